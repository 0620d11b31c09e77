//! Stopping calls from other threads.
use crate::{ffi, Error};
use rustml_sys::*;
use std::num::NonZeroU32;

ffi::handle!(Raw, rustml_cancel, rustml_cancel_release);
// SAFETY: any number of threads may use a cancel handle at once.
unsafe impl Sync for Raw {}

/// Why a call is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelReason {
    /// Somebody asked for it.
    User,
    /// A deadline kept elsewhere passed: the stopped call returns [`Error::DeadlineExceeded`].
    Deadline,
    /// A number of your own, which comes back in [`Outcome::cancel_reason`](crate::Outcome::cancel_reason).
    Custom(NonZeroU32),
}

impl CancelReason {
    fn raw(self) -> u32 {
        match self {
            Self::User => RUSTML_CANCEL_REASON_USER,
            Self::Deadline => RUSTML_CANCEL_REASON_DEADLINE,
            Self::Custom(number) => number.get(),
        }
    }

    pub(crate) fn from_raw(reason: u32) -> Option<Self> {
        Some(match NonZeroU32::new(reason)? {
            number if number.get() == Self::User.raw() => Self::User,
            number if number.get() == Self::Deadline.raw() => Self::Deadline,
            number => Self::Custom(number),
        })
    }
}

/// Stops every call it is attached to, within milliseconds: a load, a prompt, an answer, a snapshot. Clones are the same
/// handle; any thread may use them at once.
///
/// ```
/// let cancel = rustml::CancelHandle::new()?;
/// let elsewhere = cancel.clone();
/// std::thread::spawn(move || elsewhere.cancel()).join().unwrap();
/// assert!(cancel.is_cancelled());
/// # Ok::<(), rustml::Error>(())
/// ```
#[derive(Debug)]
pub struct CancelHandle(Raw);

impl CancelHandle {
    /// A handle that has not fired.
    pub fn new() -> Result<Self, Error> {
        ffi::check()?;
        let mut raw = Raw::empty();
        // SAFETY: the out parameter is writable.
        ffi::call(|error| unsafe { rustml_cancel_create(&mut raw.0, error) })?;
        Ok(Self(raw))
    }

    /// Stops what it is attached to, now and later, until [`reset`](Self::reset).
    pub fn cancel(&self) {
        self.cancel_with(CancelReason::User);
    }

    /// As [`cancel`](Self::cancel), saying why. The first reason stays.
    pub fn cancel_with(&self, reason: CancelReason) {
        // SAFETY: any thread may trigger at any time.
        unsafe { rustml_cancel_trigger(self.0 .0, reason.raw()) };
    }

    /// Whether it has fired.
    pub fn is_cancelled(&self) -> bool {
        // SAFETY: returns 0 for anything that is no handle.
        unsafe { rustml_cancel_is_triggered(self.0 .0) != 0 }
    }

    /// Makes it fit for another use; [`Error::Busy`] while a call that it is attached to runs.
    pub fn reset(&self) -> Result<(), Error> {
        // SAFETY: as cancel.
        ffi::call(|error| unsafe { rustml_cancel_reset(self.0 .0, error) })
    }

    pub(crate) fn raw(&self) -> *mut rustml_cancel {
        self.0 .0
    }
}

impl Clone for CancelHandle {
    fn clone(&self) -> Self {
        // SAFETY: adds the reference that the clone gives back.
        Self(Raw(unsafe { rustml_cancel_retain(self.0 .0) }))
    }
}
