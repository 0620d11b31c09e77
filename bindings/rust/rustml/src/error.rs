//! What went wrong.
use crate::ffi;
use rustml_sys::*;
use std::fmt;
use std::io;

/// What the library says about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Details {
    /// One line, subject first, with the offending value and its limit.
    pub message: String,
    /// The same for machines: a JSON object, `{}` if there is nothing more to say.
    pub json: String,
}

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $status:ident,)*) => {
        /// Everything that can go wrong. A failed call leaves its session where it was.
        #[derive(Debug)]
        #[non_exhaustive]
        pub enum Error {
            $($(#[$doc])* $name(Details),)*
            /// The caller's own reader or writer failed.
            Io(io::Error),
            /// A status that this version of the crate has no name for.
            Other(i32, Details),
        }

        impl Error {
            pub(crate) fn with(status: i32, details: Details) -> Self {
                match status {
                    $($status => Self::$name(details),)*
                    _ => Self::Other(status, details),
                }
            }

            /// The status of the C API, `RUSTML_*`; `RUSTML_CALLBACK_STOP` for [`Error::Io`].
            pub fn status(&self) -> i32 {
                match self {
                    $(Self::$name(_) => $status,)*
                    Self::Io(_) => RUSTML_CALLBACK_STOP,
                    Self::Other(status, _) => *status,
                }
            }

            /// What the library said; nothing for [`Error::Io`].
            pub fn details(&self) -> Option<&Details> {
                match self {
                    $(Self::$name(details) => Some(details),)*
                    Self::Io(_) => None,
                    Self::Other(_, details) => Some(details),
                }
            }
        }
    };
}

errors! {
    /// A [`CancelHandle`](crate::CancelHandle) fired.
    Cancelled = RUSTML_CANCELLED,
    /// An option, text, id or file name that cannot be.
    InvalidArgument = RUSTML_INVALID_ARGUMENT,
    /// A time limit passed.
    DeadlineExceeded = RUSTML_DEADLINE_EXCEEDED,
    /// No such file.
    NotFound = RUSTML_NOT_FOUND,
    /// The file may not be read or written.
    PermissionDenied = RUSTML_PERMISSION_DENIED,
    /// Memory, a memory limit, disk, or a published limit of a file format.
    ResourceExhausted = RUSTML_RESOURCE_EXHAUSTED,
    /// Wrong pairing or order: the snapshot of another model, a generation is open on the session, …
    FailedPrecondition = RUSTML_FAILED_PRECONDITION,
    /// More tokens than the context holds, or a position that is not there.
    OutOfRange = RUSTML_OUT_OF_RANGE,
    /// An architecture, type or option that is not supported.
    Unimplemented = RUSTML_UNIMPLEMENTED,
    /// A mistake of the library; that session is poisoned, others go on.
    Internal = RUSTML_INTERNAL,
    /// The network.
    Unavailable = RUSTML_UNAVAILABLE,
    /// A file is truncated, corrupt or hostile.
    DataLoss = RUSTML_DATA_LOSS,
    /// A second call on a session that is running.
    Busy = RUSTML_BUSY,
    /// A handle that the library does not know.
    InvalidHandle = RUSTML_INVALID_HANDLE,
    /// The librustml that was loaded is not the one that this crate was made for.
    AbiMismatch = RUSTML_ABI_MISMATCH,
    /// The session failed internally before; drop it.
    Poisoned = RUSTML_POISONED,
    /// The process forked, and this is the child.
    Forked = RUSTML_FORKED,
    /// A callback ended the call with `ControlFlow::Break`.
    Stopped = RUSTML_CALLBACK_STOP,
}

impl Error {
    pub(crate) fn new(status: i32, message: impl Into<String>) -> Self {
        Self::with(status, Details { message: message.into(), json: "{}".into() })
    }

    /// Takes over an error object of the library.
    pub(crate) fn take(status: i32, error: *mut rustml_error) -> Self {
        if error.is_null() {
            return Self::new(status, format!("status {status}"));
        }
        // SAFETY: both texts are NUL-terminated and live until the release.
        unsafe {
            let details = Details {
                message: ffi::c_string(rustml_error_message(error)),
                json: ffi::c_string(rustml_error_detail_json(error)),
            };
            rustml_error_release(error);
            Self::with(status, details)
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(problem) => problem.fmt(f),
            _ => f.write_str(self.details().map_or("", |details| &details.message)),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(problem) => Some(problem),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(problem: io::Error) -> Self {
        Self::Io(problem)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Io(_) => match error {
                Error::Io(problem) => return problem,
                _ => unreachable!(),
            },
            Error::NotFound(_) => io::ErrorKind::NotFound,
            Error::PermissionDenied(_) => io::ErrorKind::PermissionDenied,
            Error::InvalidArgument(_) => io::ErrorKind::InvalidInput,
            Error::DataLoss(_) => io::ErrorKind::InvalidData,
            Error::DeadlineExceeded(_) => io::ErrorKind::TimedOut,
            Error::Cancelled(_) => io::ErrorKind::Interrupted,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also those that no test can bring about.
    #[test]
    fn every_status_of_the_library_has_its_variant() {
        let all = [1, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14, 15, 100, 101, 102, 103, 104, 105];
        for status in all {
            let (message, json) = ("gate 7 is closed", r#"{"gate":7}"#);
            // SAFETY: the texts are as long as they say; take releases what create made.
            let error = unsafe {
                let (text, details) = (message.as_ptr().cast(), json.as_ptr().cast());
                let raw = rustml_error_create(
                    status,
                    text,
                    message.len() as u64,
                    details,
                    json.len() as u64,
                    0,
                );
                Error::take(status, raw)
            };
            assert!(!matches!(error, Error::Other(..)), "{status} has no variant");
            assert_eq!(error.status(), status);
            assert_eq!(error.to_string(), message);
            assert_eq!(error.details().unwrap().json, json);
        }
        assert!(matches!(Error::new(RUSTML_INTERNAL, ""), Error::Internal(_)));
        assert!(matches!(Error::new(RUSTML_POISONED, ""), Error::Poisoned(_)));
        assert!(matches!(Error::new(RUSTML_UNAVAILABLE, ""), Error::Unavailable(_)));
        assert!(matches!(Error::new(RUSTML_FORKED, ""), Error::Forked(_)));
        assert!(matches!(Error::new(77, ""), Error::Other(77, _)));
    }

    #[test]
    fn the_streams_own_failure_is_the_source() {
        let error = Error::from(io::Error::other("the disk is full"));
        assert_eq!(error.to_string(), "the disk is full");
        assert!(std::error::Error::source(&error).is_some());
        assert_eq!(io::Error::from(error).to_string(), "the disk is full");
    }
}
