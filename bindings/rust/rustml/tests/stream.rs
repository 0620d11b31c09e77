#![cfg(feature = "stream")]
mod common;
use common::*;
use futures_core::Stream;
use rustml::*;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The next item, on an executor of one line.
fn next(stream: &mut ChunkStream) -> Option<Result<Chunk, Error>> {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match Pin::new(&mut *stream).poll_next(&mut Context::from_waker(&waker)) {
            Poll::Ready(item) => return item,
            Poll::Pending => std::thread::park(),
        }
    }
}

fn begin(session: &mut Session, max_tokens: u64) -> ChunkStream {
    let generation = session.generate(PROMPT.as_slice(), &options(max_tokens)).unwrap();
    generation.into_stream().unwrap()
}

#[test]
fn streams_deliver_what_iterators_do() {
    let model = model();
    let expected = answer(&model, 60);
    let mut session = model.session().unwrap();
    let mut stream = begin(&mut session, 60);
    assert_eq!(ids(std::iter::from_fn(|| next(&mut stream))), expected);
    assert!(next(&mut stream).is_none());
    session.rewind(2).unwrap(); // usable at once
}

#[test]
fn dropping_a_stream_ends_the_answer() {
    let model = model();
    let mut session = model.session().unwrap();
    for _ in 0..20 {
        let mut stream = begin(&mut session, 1000);
        next(&mut stream).unwrap().unwrap();
        drop(stream);
        session.reset().unwrap();
    }
    let mut session = slow().session().unwrap();
    kept_in_one_of_three(Duration::from_millis(250), || {
        let generation = session.generate([5].repeat(6000), &options(1)).unwrap();
        let stream = generation.into_stream().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let begin = Instant::now();
        drop(stream);
        let took = begin.elapsed();
        session.reset().unwrap();
        took
    });
}

#[test]
fn a_stream_ends_with_its_error() {
    let mut session = slow().session().unwrap();
    let options = options(1).timeout(Duration::from_millis(20));
    // A limit that has passed before the start refuses it, as on a machine that stood still: up to three tries.
    let begin = |_| session.generate([5].repeat(6000), &options).ok();
    let generation = (0..3).find_map(begin).unwrap();
    let mut stream = generation.into_stream().unwrap();
    assert!(matches!(next(&mut stream), Some(Err(Error::DeadlineExceeded(_)))));
    assert!(next(&mut stream).is_none());
}
