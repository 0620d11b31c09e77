//! Closures: panics come back after the call, and each is dropped exactly once.
mod common;
use common::*;
use rustml::*;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::panic::{catch_unwind, panic_any, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

fn caught(call: impl FnOnce()) -> usize {
    silence();
    let panic = catch_unwind(AssertUnwindSafe(call)).expect_err("no panic came back");
    panic.downcast::<Thrown>().expect("another panic").0
}

/// The log is the process's: tests that set it run one after the other.
static LOG: Mutex<()> = Mutex::new(());

#[test]
fn a_hundred_panics_leave_the_session_usable() {
    let model = model();
    let expected = answer(&model, 8);
    let mut session = model.session().unwrap();
    for i in 0..100 {
        let held = Arc::new(());
        let inside = held.clone();
        let thrown = caught(|| {
            let _ = session.generate_with(PROMPT.as_slice(), &options(8), move |_| {
                let _inside = &inside;
                panic_any(Thrown(i))
            });
        });
        assert_eq!(thrown, i);
        assert_eq!(Arc::strong_count(&held), 1, "the closure was not dropped");
    }
    session.reset().unwrap();
    assert_eq!(ids(session.generate(PROMPT.as_slice(), &options(8)).unwrap()), expected);
}

#[test]
fn batches_and_searches_hand_panics_back() {
    let model = model();
    let request = || [(Prompt::ids(PROMPT), options(8))];
    let thrown = caught(|| {
        let _ =
            model.generate_batch(&SessionOptions::new(), &request(), |_, _| panic_any(Thrown(1)));
    });
    assert_eq!(thrown, 1);
    let mut session = model.session().unwrap();
    let beams = BeamOptions::new().max_tokens(4).progress_events(true);
    let thrown = caught(|| {
        let _ = session.beam_search_with(PROMPT.as_slice(), &beams, |_| panic_any(Thrown(2)));
    });
    assert_eq!(thrown, 2);
    session.eval(&PROMPT).unwrap();
}

struct Broken(usize);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic_any(Thrown(self.0))
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic_any(Thrown(self.0))
    }
}

impl Seek for Broken {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Ok(1 << 20)
    }
}

#[test]
fn readers_writers_and_progress_hand_panics_back() {
    let model = model();
    let mut session = model.session().unwrap();
    session.eval(&PROMPT).unwrap();
    let none = CallOptions::new();
    assert_eq!(caught(|| drop(session.snapshot_to(Broken(3), &none))), 3);
    assert_eq!(caught(|| drop(session.restore_seek(Broken(4), &none))), 4);
    assert_eq!(caught(|| drop(session.restore_from(Broken(5)))), 5);
    assert_eq!(caught(|| drop(SnapshotInfo::read(Broken(6)))), 6);
    assert_eq!(caught(|| drop(Model::open_reader(Broken(7), &ModelOptions::new(), &none))), 7);
    let call = CallOptions::new().progress(|_| panic_any(Thrown(8)));
    let path = data("architectures/llama.gguf");
    assert_eq!(caught(|| drop(Model::open_with(path, &ModelOptions::new(), &call))), 8);
    assert_eq!(session.tokens().unwrap(), PROMPT);
}

#[test]
fn failures_of_streams_come_back_as_they_are() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let model = model();
    let mut session = model.session().unwrap();
    session.eval(&PROMPT).unwrap();
    let error = session.snapshot_to(Full, &CallOptions::new()).unwrap_err();
    assert!(matches!(&error, Error::Io(problem) if problem.to_string() == "the disk is full"));
    // Shorter than its own seek says.
    let bytes = session.snapshot().unwrap();
    let error = session.restore_seek(Short(Cursor::new(bytes)), &CallOptions::new()).unwrap_err();
    assert!(matches!(&error, Error::Io(problem) if problem.kind() == io::ErrorKind::UnexpectedEof));
    assert_eq!(session.tokens().unwrap(), PROMPT);
}

struct Short(Cursor<Vec<u8>>);

impl Read for Short {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.0.get_ref().len() as u64 - 4;
        let left = end.saturating_sub(self.0.position()) as usize;
        let n = left.min(buffer.len());
        self.0.read(&mut buffer[..n])
    }
}

impl Seek for Short {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.0.seek(position)
    }
}

#[test]
fn closures_are_dropped_when_the_call_fails_too() {
    let held = Arc::new(());
    let inside = held.clone();
    let call = CallOptions::new().progress(move |_| {
        let _inside = &inside;
        ControlFlow::Continue(())
    });
    for _ in 0..10 {
        assert!(Model::open_with("/no/such.gguf", &ModelOptions::new(), &call).is_err());
    }
    assert_eq!(Arc::strong_count(&held), 2, "the options hold the last one");
    drop(call);
    assert_eq!(Arc::strong_count(&held), 1);

    let mut session = model().session().unwrap();
    let inside = held.clone();
    let bad = GenerationOptions::new().temperature(-1.0);
    let result = session.generate_with("x", &bad, move |_| {
        let _inside = &inside;
        ControlFlow::Continue(())
    });
    assert!(matches!(result, Err(Error::InvalidArgument(_))));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn break_ends_an_answer() {
    let model = model();
    let expected = answer(&model, 3);
    let mut session = model.session().unwrap();
    let mut seen = Vec::new();
    let outcome = session.generate_with(PROMPT.as_slice(), &options(50), |chunk| {
        seen.extend(chunk.token);
        if seen.len() == 3 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    let outcome = outcome.unwrap();
    assert_eq!((outcome.finish, outcome.generated_tokens), (Some(Finish::Callback), 3));
    assert_eq!(seen, expected);
    let stop = CallOptions::new().progress(|_| ControlFlow::Break(()));
    let path = data("architectures/llama.gguf");
    let result = Model::open_with(path, &ModelOptions::new(), &stop);
    assert!(matches!(result, Err(Error::Stopped(_))));
}

#[test]
fn the_log_goes_to_a_closure_until_it_is_replaced() {
    let _one = LOG.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let records = Arc::new(Mutex::new(Vec::new()));
    let theirs = records.clone();
    log::set("trace", move |record| theirs.lock().unwrap().push(record)).unwrap();
    answer(&model(), 2);
    assert!(records.lock().unwrap().iter().any(|record| record.component.starts_with("rustml")));
    log::clear();
    assert_eq!(Arc::strong_count(&records), 1, "the closure was not dropped");
    assert!(matches!(log::set("rustml=loud", |_| ()), Err(Error::InvalidArgument(_))));
}

#[test]
fn a_panic_in_the_log_resumes_after_the_call_and_leaks_nothing() {
    let _one = LOG.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let me = std::thread::current().id();
    let sink = move |_| {
        if std::thread::current().id() == me {
            panic_any(Thrown(9));
        }
    };
    log::set("trace", sink).unwrap();
    let thrown = caught(|| drop(model()));
    log::clear();
    assert_eq!(thrown, 9);
    answer(&model(), 2);
}
