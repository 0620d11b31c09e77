//! Who may be sent where, and in what order things may be dropped.
mod common;
use common::*;
use rustml::*;
use std::any::Any;

fn send<T: Send + 'static>() {}
fn sync<T: Sync>() {}

#[test]
fn what_may_cross_threads() {
    send::<Model>();
    sync::<Model>();
    send::<CancelHandle>();
    sync::<CancelHandle>();
    send::<Error>();
    sync::<Error>();
    send::<Session>();
    send::<Generation>();
    send::<Chunk>();
    send::<Prompt>();
    send::<GenerationOptions>();
    send::<CallOptions>();
}

/// All orders of 0..n.
fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![vec![]];
    }
    let shorter = permutations(n - 1);
    let with = |order: &Vec<usize>, at| {
        let mut longer = order.clone();
        longer.insert(at, n - 1);
        longer
    };
    shorter.iter().flat_map(|order| (0..n).map(|at| with(order, at)).collect::<Vec<_>>()).collect()
}

#[test]
fn every_order_of_dropping() {
    let watch = model();
    let expected = answer(&watch, 8);
    let orders = permutations(5);
    assert_eq!(orders.len(), 120);
    for order in orders {
        let model = watch.clone();
        let mut session = model.session().unwrap();
        let cancel = CancelHandle::new().unwrap();
        let options = options(8).cancel(&cancel);
        let fork = session.fork().unwrap();
        let mut generation = session.generate(PROMPT.as_slice(), &options).unwrap();
        assert_eq!(generation.next().unwrap().unwrap().token, Some(expected[0]));
        let mut things: Vec<Option<Box<dyn Any>>> = vec![
            Some(Box::new(model)),
            Some(Box::new(session)),
            Some(Box::new(fork)),
            Some(Box::new(cancel)),
            Some(Box::new(generation)),
        ];
        for i in order {
            drop(things[i].take());
        }
        assert_eq!(watch.info().unwrap().n_sessions, 0);
    }
    assert_eq!(answer(&watch, 8), expected);
}

#[test]
fn a_generation_goes_on_without_its_session_and_model() {
    let expected = answer(&model(), 8);
    let generation = {
        let model = model();
        let mut session = model.session().unwrap();
        session.generate(PROMPT.as_slice(), &options(8)).unwrap()
    };
    let elsewhere = std::thread::spawn(move || ids(generation));
    assert_eq!(elsewhere.join().unwrap(), expected);
}

#[test]
fn threads_share_one_model() {
    let model = model();
    let expected = answer(&model, 48);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let model = model.clone();
            std::thread::spawn(move || (0..3).map(|_| answer(&model, 48)).collect::<Vec<_>>())
        })
        .collect();
    for thread in threads {
        assert!(thread.join().unwrap().iter().all(|ids| *ids == expected));
    }
    assert_eq!(model.info().unwrap().n_sessions, 0);
}

#[test]
fn nothing_is_left_behind() {
    let threads = || std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    let model = model();
    answer(&model, 4);
    let before = (model.info().unwrap().bytes_now, threads());
    for _ in 0..200 {
        let mut session = model.session().unwrap();
        let mut generation = session.generate(PROMPT.as_slice(), &options(8)).unwrap();
        generation.next().unwrap().unwrap();
        assert!(session.eval(&[400]).is_err());
    }
    // Other tests of this program have threads of their own.
    assert_eq!(model.info().unwrap().bytes_now, before.0);
    assert!(threads() <= before.1 + 32);
}
