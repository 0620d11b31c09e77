//! Limits of calls: cancel handles, moments, progress.
use crate::{callback, ffi, CancelHandle, Error};
use rustml_sys::*;
use std::fmt;
use std::ops::ControlFlow;
use std::ptr::null;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// A moment, or a time from the start of the call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    At(Instant),
    After(Duration),
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// The moment in the library's clock; 0 is none.
pub(crate) fn deadline_ns(limit: Option<Limit>) -> u64 {
    let left = match limit {
        None => return 0,
        Some(Limit::After(time)) => nanoseconds(time),
        Some(Limit::At(moment)) => match moment.checked_duration_since(Instant::now()) {
            Some(time) => nanoseconds(time),
            None => -1,
        },
    };
    // SAFETY: integers only.
    unsafe { rustml_deadline_after_ns(left) }
}

pub(crate) fn stall_ns(time: Option<Duration>) -> u64 {
    time.map_or(0, |time| nanoseconds(time).max(1).unsigned_abs())
}

/// How far a long call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes of a load or snapshot, tokens of a prompt or search.
    pub done: u64,
    /// How many there are in all.
    pub total: u64,
}

impl Progress {
    pub(crate) fn of(event: &rustml_event) -> Self {
        Self { done: event.done, total: event.total }
    }
}

type OnProgress = Arc<Mutex<dyn FnMut(Progress) -> ControlFlow<()> + Send>>;

/// Limits of one long call, for the `…_with` forms of the methods: cancel handle, time limit, progress.
///
/// ```
/// use std::{ops::ControlFlow, time::Duration};
/// let call = rustml::CallOptions::new()
///     .timeout(Duration::from_secs(30))
///     .progress(|p| {
///         eprintln!("{} of {}", p.done, p.total);
///         ControlFlow::Continue(())
///     });
/// ```
#[derive(Clone, Default)]
pub struct CallOptions {
    cancel: Option<CancelHandle>,
    limit: Option<Limit>,
    progress: Option<OnProgress>,
}

impl CallOptions {
    /// No limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the call with [`Error::Cancelled`] when the handle fires.
    #[must_use]
    pub fn cancel(mut self, handle: &CancelHandle) -> Self {
        self.cancel = Some(handle.clone());
        self
    }

    /// The longest time that the call may take.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.limit = Some(Limit::After(time));
        self
    }

    /// The moment at which the call stops.
    #[must_use]
    pub fn deadline(mut self, moment: Instant) -> Self {
        self.limit = Some(Limit::At(moment));
        self
    }

    /// Hears how far the call is, a few times a second at most, on the calling thread; `Break` stops the call with
    /// [`Error::Stopped`].
    #[must_use]
    pub fn progress<F>(mut self, on_progress: F) -> Self
    where
        F: FnMut(Progress) -> ControlFlow<()> + Send + 'static,
    {
        self.progress = Some(Arc::new(Mutex::new(on_progress)));
        self
    }

    /// Runs one call with the raw options, which are null when there are none.
    pub(crate) fn apply<R>(&self, call: impl FnOnce(*const rustml_call_options) -> R) -> R {
        if self.cancel.is_none() && self.limit.is_none() && self.progress.is_none() {
            return call(null());
        }
        let progress = self.progress.clone().map(|on_progress| {
            callback::callback(move |event| {
                // Taken only when two calls share it: it is the other one's news then.
                let mut on_progress = match on_progress.try_lock() {
                    Ok(guard) => guard,
                    Err(TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
                    Err(TryLockError::WouldBlock) => return 0,
                };
                i32::from(on_progress(Progress::of(event)).is_break())
            })
        });
        let mut raw = ffi::defaults(rustml_call_options_init);
        raw.cancel = raw_cancel(&self.cancel);
        raw.deadline_ns = deadline_ns(self.limit);
        raw.progress = progress.as_ref().map_or(null(), |callback| callback);
        call(&raw)
    }
}

impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("cancel", &self.cancel)
            .field("limit", &self.limit)
            .field("progress", &self.progress.is_some())
            .finish()
    }
}

pub(crate) fn raw_cancel(handle: &Option<CancelHandle>) -> *mut rustml_cancel {
    handle.as_ref().map_or(std::ptr::null_mut(), CancelHandle::raw)
}

/// What goes from an [`Error`] to a closure's answer: a call that the closure itself ended did what it was asked for.
pub(crate) fn unless_stopped(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::Stopped(_)) => Ok(()),
        other => other,
    }
}
