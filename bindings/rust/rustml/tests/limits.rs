//! Cancel handles and time limits.
mod common;
use common::*;
use rustml::*;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough that the slow model takes far longer than any limit here.
fn long_prompt() -> Vec<i32> {
    [90, 305, 266, 262, 276, 66, 35, 55].repeat(1000)
}

/// The library promises 10 ms on a quiet machine; tests run on busy ones.
const SLACK: Duration = Duration::from_millis(250);

/// What stops a call that waits for another session's turn is not yet said in `Outcome`: one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_handle_stops_a_long_prefill() {
    let _alone = alone();
    let model = slow();
    kept_in_one_of_three(SLACK, || {
        let mut session = model.session().unwrap();
        let mut generation = session.generate(long_prompt(), &GenerationOptions::new()).unwrap();
        let cancel = generation.cancel_handle();
        let trigger = thread::spawn(move || {
            thread::sleep(Duration::from_millis(30));
            cancel.cancel_with(CancelReason::Custom(NonZeroU32::new(7).unwrap()));
            Instant::now()
        });
        let error = generation.next().unwrap().unwrap_err();
        let returned = Instant::now();
        assert!(matches!(error, Error::Cancelled(_)), "{error:?}");
        assert!(generation.next().is_none());
        let outcome = generation.outcome().unwrap();
        assert_eq!(outcome.finish, Some(Finish::Cancelled), "{error:?} {outcome:?}");
        let reason = CancelReason::Custom(NonZeroU32::new(7).unwrap());
        assert_eq!(outcome.cancel_reason, Some(reason));
        drop(generation);
        session.generate(vec![5, 6, 7], &options(2)).unwrap().into_text().unwrap();
        returned.saturating_duration_since(trigger.join().unwrap())
    });
}

#[test]
fn a_handle_stops_everything_it_is_attached_to_until_reset() {
    let _alone = alone();
    let cancel = CancelHandle::new().unwrap();
    cancel.cancel();
    let call = CallOptions::new().cancel(&cancel);
    let path = data("architectures/llama.gguf");
    let opened = Model::open_with(&path, &ModelOptions::new(), &call);
    assert!(matches!(opened, Err(Error::Cancelled(_))));
    let model = model();
    let mut session = model.session().unwrap();
    assert!(matches!(session.eval_with(&PROMPT, &call), Err(Error::Cancelled(_))));
    assert_eq!(session.info().unwrap().position, 0);
    cancel.reset().unwrap();
    session.eval_with(&PROMPT, &call).unwrap();
    cancel.cancel_with(CancelReason::Deadline);
    let late = session.snapshot_to(Vec::new(), &call);
    assert!(matches!(late, Err(Error::DeadlineExceeded(_))));
}

#[test]
fn deadlines_reach_into_the_prefill() {
    let _alone = alone();
    let mut session = slow().session().unwrap();
    let limit = Duration::from_millis(40);
    let o = GenerationOptions::new();
    let later = Duration::from_millis(200);
    let all: [(&dyn Fn() -> GenerationOptions, _); 4] = [
        (&|| o.clone().timeout(limit), Deadline::Total),
        (&|| o.clone().deadline(Instant::now() + later), Deadline::Total),
        (&|| o.clone().first_token_timeout(limit), Deadline::FirstToken),
        (&|| o.clone().deadline(Instant::now()), Deadline::Total),
    ];
    for (options, expected) in all {
        kept_in_one_of_three(2 * limit + SLACK + later, || {
            session.reset().unwrap();
            let begin = Instant::now();
            match session.generate(long_prompt(), &options()) {
                Ok(mut generation) => {
                    let error = generation.next().unwrap().unwrap_err();
                    assert!(matches!(error, Error::DeadlineExceeded(_)), "{error:?}");
                    let outcome = generation.outcome().unwrap();
                    assert_eq!(outcome.deadline, Some(expected), "{error:?} {outcome:?}");
                }
                Err(error) => assert!(matches!(error, Error::DeadlineExceeded(_)), "{error:?}"),
            }
            begin.elapsed()
        });
    }
    session.reset().unwrap();
    let call = CallOptions::new().timeout(limit);
    assert!(matches!(session.eval_with(&long_prompt(), &call), Err(Error::DeadlineExceeded(_))));
    // Limits that are far away stop nothing, the longest one either.
    let far = o.max_tokens(2).ignore_eos(true).timeout(Duration::MAX).stall_timeout(Duration::MAX);
    session.generate(vec![5, 6, 7], &far).unwrap().into_text().unwrap();
}

#[test]
fn a_session_answers_one_call_at_a_time() {
    let _alone = alone();
    let mut session = slow().session().unwrap();
    let mut busy = false;
    loop {
        let mut generation = session.generate(long_prompt(), &options(1)).unwrap();
        let cancel = generation.cancel_handle();
        let other = thread::spawn(move || generation.next().unwrap());
        while !busy && !other.is_finished() {
            match session.eval(&[1]) {
                Err(Error::Busy(_)) => busy = true,
                Err(Error::FailedPrecondition(_)) => thread::sleep(Duration::from_millis(1)),
                other => panic!("{other:?}"),
            }
        }
        cancel.cancel();
        match other.join().unwrap() {
            Err(Error::Busy(_)) => continue, // the call above was first
            ended => break assert!(ended.is_err()),
        }
    }
    assert!(busy);
    session.eval(&[1]).unwrap();
}
