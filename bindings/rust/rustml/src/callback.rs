//! Closures behind the library's function pointers.
//!
//! The library calls back on the calling thread, during the call. Each closure lies in a Box that only `destroy` drops: the
//! library promises to call it exactly once, also when the call fails.
use crate::panics::guard;
use crate::{ffi, Error};
use rustml_sys::*;
use std::cell::Cell;
use std::ffi::c_void;
use std::io::{Read, Seek, SeekFrom, Write};

unsafe extern "C" fn destroy<T>(user_data: *mut c_void) {
    guard(|| {
        // SAFETY: made by Box::into_raw below, and dropped only here.
        drop(unsafe { Box::from_raw(user_data.cast::<T>()) });
        0
    });
}

fn boxed<T>(value: T) -> *mut c_void {
    Box::into_raw(Box::new(value)).cast()
}

/// For one call, which must follow: it is the call that drops `on_event`.
pub(crate) fn callback<F: FnMut(&rustml_event) -> i32>(on_event: F) -> rustml_callback {
    unsafe extern "C" fn run<F: FnMut(&rustml_event) -> i32>(
        user_data: *mut c_void,
        event: *const rustml_event,
    ) -> i32 {
        // SAFETY: the Box of this call, which calls back on one thread at a time; the event lives until this returns.
        guard(|| unsafe { (*user_data.cast::<F>())(&*event) })
    }
    let mut raw = ffi::defaults(rustml_callback_init);
    raw.user_data = boxed(on_event);
    raw.on_event = Some(run::<F>);
    raw.destroy = Some(destroy::<F>);
    raw
}

/// For the log: called by any number of threads at once, until it is replaced.
pub(crate) fn shared_callback<F>(on_event: F) -> rustml_callback
where
    F: Fn(&rustml_event) + Send + Sync + 'static,
{
    unsafe extern "C" fn run<F: Fn(&rustml_event)>(
        user_data: *mut c_void,
        event: *const rustml_event,
    ) -> i32 {
        guard(|| {
            // SAFETY: shared access only; destroy waits for the last running call.
            unsafe { (*user_data.cast::<F>().cast_const())(&*event) };
            0
        })
    }
    let mut raw = ffi::defaults(rustml_callback_init);
    raw.user_data = boxed(on_event);
    raw.on_event = Some(run::<F>);
    raw.destroy = Some(destroy::<F>);
    raw
}

/// A stream of the caller's and where its failure is kept.
struct Stream<'a, T> {
    stream: T,
    failure: &'a Cell<Option<std::io::Error>>,
}

impl<T> Stream<'_, T> {
    fn answer(&self, result: std::io::Result<()>) -> i32 {
        match result {
            Ok(()) => 0,
            Err(problem) => {
                self.failure.set(Some(problem));
                1
            }
        }
    }
}

/// The failure of the caller's own stream instead of the library's word for it.
fn or_failure(
    result: Result<(), Error>,
    failure: Cell<Option<std::io::Error>>,
) -> Result<(), Error> {
    match failure.into_inner() {
        Some(problem) => Err(Error::Io(problem)),
        None => result,
    }
}

pub(crate) fn with_sink<W: Write>(
    writer: W,
    run: impl FnOnce(*const rustml_sink) -> Result<(), Error>,
) -> Result<(), Error> {
    unsafe extern "C" fn write<W: Write>(
        user_data: *mut c_void,
        data: *const c_void,
        len: u64,
    ) -> i32 {
        guard(|| {
            // SAFETY: the Box of this call; `len` bytes are readable.
            let (sink, data) = unsafe {
                (&mut *user_data.cast::<Stream<'_, W>>(), ffi::slice(data.cast::<u8>(), len))
            };
            let result = sink.stream.write_all(data);
            sink.answer(result)
        })
    }
    let failure = Cell::new(None);
    let mut raw = ffi::defaults(rustml_sink_init);
    raw.user_data = boxed(Stream { stream: writer, failure: &failure });
    raw.write = Some(write::<W>);
    raw.destroy = Some(destroy::<Stream<'_, W>>);
    let result = run(&raw);
    or_failure(result, failure)
}

pub(crate) fn with_reader<R: Read + Seek>(
    mut reader: R,
    run: impl FnOnce(*const rustml_reader) -> Result<(), Error>,
) -> Result<(), Error> {
    unsafe extern "C" fn read_at<R: Read + Seek>(
        user_data: *mut c_void,
        offset: u64,
        buf: *mut c_void,
        len: u64,
    ) -> i32 {
        guard(|| {
            // SAFETY: the Box of this call; `len` bytes are writable, and zeroed they may be handed to a Read.
            let (source, buffer) = unsafe {
                std::ptr::write_bytes(buf.cast::<u8>(), 0, len as usize);
                let buffer: &mut [u8] = match len {
                    0 => &mut [],
                    _ => std::slice::from_raw_parts_mut(buf.cast::<u8>(), len as usize),
                };
                (&mut *user_data.cast::<Stream<'_, R>>(), buffer)
            };
            let result = source.stream.seek(SeekFrom::Start(offset));
            let result = result.and_then(|_| source.stream.read_exact(buffer));
            source.answer(result)
        })
    }
    let size = reader.seek(SeekFrom::End(0))?;
    let failure = Cell::new(None);
    let mut raw = ffi::defaults(rustml_reader_init);
    raw.size = size;
    raw.user_data = boxed(Stream { stream: reader, failure: &failure });
    raw.read_at = Some(read_at::<R>);
    raw.destroy = Some(destroy::<Stream<'_, R>>);
    let result = run(&raw);
    or_failure(result, failure)
}
