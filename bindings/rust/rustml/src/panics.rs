//! Panics of closures that the library calls. One is kept for its thread and goes on when the call has returned
//! (`ffi::status`); meanwhile the library sees a callback that asked to stop.
use std::any::Any;
use std::cell::Cell;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

thread_local! {
    static PANIC: Cell<Option<Box<dyn Any + Send>>> = const { Cell::new(None) };
}

/// What the library sees of a callback that panicked.
const PANICKED: i32 = -1;

pub(crate) fn guard(call: impl FnOnce() -> i32) -> i32 {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let _ = PANIC.try_with(|slot| match slot.take() {
            Some(first) => slot.set(Some(first)),
            None => slot.set(Some(panic)),
        });
        PANICKED
    })
}

/// Lets a panic of the last call's callbacks go on.
pub(crate) fn resume() {
    if let Ok(Some(panic)) = PANIC.try_with(Cell::take) {
        resume_unwind(panic);
    }
}

/// For calls from `drop`, which must not panic: what a log sink panics with meanwhile ends here.
pub(crate) fn quietly(call: impl FnOnce()) {
    let pending = PANIC.try_with(Cell::take);
    call();
    if let Ok(pending) = pending {
        let _ = PANIC.try_with(|slot| slot.set(pending));
    }
}
