//! The library's log, for the whole process. It is silent until asked.
use crate::{callback, ffi, panics, Error};
use rustml_sys::*;

/// How important a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warn,
    /// Once for each file, session or answer.
    Info,
    /// For people who look for a mistake.
    Debug,
    /// Everything.
    Trace,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// How important it is.
    pub level: Level,
    /// Where it comes from, as `rustml::attn`.
    pub component: String,
    /// What it says.
    pub message: String,
}

/// Sends the records that `filter` lets through (syntax of `RUST_LOG`: `info`, `rustml=debug,rustml::attn=trace`) to a
/// closure, in the place of any earlier one. It runs on the thread whose call made the record, before that call returns; its
/// panic resumes there.
///
/// ```
/// rustml::log::set("info", |record| eprintln!("{:?} {}: {}", record.level, record.component, record.message))?;
/// rustml::log::clear();
/// # Ok::<(), rustml::Error>(())
/// ```
pub fn set(filter: &str, sink: impl Fn(Record) + Send + Sync + 'static) -> Result<(), Error> {
    ffi::check()?;
    let mut options = ffi::defaults(rustml_log_options_init);
    options.filter = ffi::text(filter);
    let callback = callback::shared_callback(move |event| {
        // SAFETY: the event's views live until this returns.
        let (component, message) =
            unsafe { (ffi::c_string(event.component), ffi::string(event.text, event.text_len)) };
        let level = match event.level {
            RUSTML_LOG_ERROR => Level::Error,
            RUSTML_LOG_WARN => Level::Warn,
            RUSTML_LOG_INFO => Level::Info,
            RUSTML_LOG_DEBUG => Level::Debug,
            _ => Level::Trace,
        };
        sink(Record { level, component, message });
    });
    options.callback = &callback;
    // SAFETY: filter and callback are copied before the call returns.
    ffi::call(|error| unsafe { rustml_log_set(&options, error) })
}

/// Makes the log silent again.
pub fn clear() {
    // SAFETY: null removes the sink.
    panics::quietly(|| unsafe {
        rustml_log_set(std::ptr::null(), std::ptr::null_mut());
    });
}
