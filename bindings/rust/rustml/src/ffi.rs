//! What every call into the library needs: structs, buffers, and the way its failures come back.
use crate::{panics, Error};
use rustml_sys::*;
use std::ffi::CStr;
use std::mem::{size_of, MaybeUninit};
use std::path::Path;
use std::sync::OnceLock;

/// Refuses a library of another layout. Before the first call of everything that makes a handle.
pub(crate) fn check() -> Result<(), Error> {
    static CHECKED: OnceLock<Result<(), String>> = OnceLock::new();
    CHECKED
        .get_or_init(rustml_sys::check_layout)
        .clone()
        .map_err(|problem| Error::new(RUSTML_ABI_MISMATCH, problem))
}

/// The status where it is no failure: OK, BUFFER_TOO_SMALL or DONE. Panics of callbacks go on from here.
pub(crate) fn status(call: impl FnOnce(*mut *mut rustml_error) -> i32) -> Result<i32, Error> {
    let mut error = std::ptr::null_mut();
    let status = call(&mut error);
    let result = match status {
        RUSTML_OK | RUSTML_BUFFER_TOO_SMALL | RUSTML_DONE => Ok(status),
        _ => Err(Error::take(status, error)),
    };
    panics::resume();
    result
}

pub(crate) fn call(call: impl FnOnce(*mut *mut rustml_error) -> i32) -> Result<(), Error> {
    status(call).map(drop)
}

/// Fills a Vec through (buf, capacity, needed), starting with room for `guess` elements.
pub(crate) fn buffer<T: Copy + Default>(
    guess: usize,
    mut fill: impl FnMut(*mut T, u64, &mut u64, *mut *mut rustml_error) -> i32,
) -> Result<Vec<T>, Error> {
    let mut elements = vec![T::default(); guess];
    loop {
        let mut needed = 0;
        let capacity = elements.len();
        let status =
            status(|error| fill(elements.as_mut_ptr(), capacity as u64, &mut needed, error))?;
        let needed = usize::try_from(needed).unwrap_or(usize::MAX);
        if status == RUSTML_OK {
            elements.truncate(needed);
            return Ok(elements);
        }
        elements.clear();
        elements
            .try_reserve_exact(needed)
            .map_err(|problem| Error::new(RUSTML_RESOURCE_EXHAUSTED, problem.to_string()))?;
        elements.resize(needed, T::default());
    }
}

/// An option struct with the library's defaults.
pub(crate) fn defaults<T>(init: unsafe extern "C" fn(*mut T, u32) -> i32) -> T {
    let mut options = MaybeUninit::<T>::zeroed();
    // SAFETY: all structs of the header are valid when zeroed; init writes at most the size it is told.
    unsafe {
        init(options.as_mut_ptr(), size_of::<T>() as u32);
        options.assume_init()
    }
}

/// An output struct with its struct_size.
macro_rules! output {
    ($name:ident) => {{
        // SAFETY: all structs of the header are valid when zeroed.
        let mut out: rustml_sys::$name = unsafe { std::mem::zeroed() };
        out.struct_size = std::mem::size_of::<rustml_sys::$name>() as u32;
        out
    }};
}
pub(crate) use output;

/// Owns one reference of a handle, or none. The library refuses a null or foreign handle with an error, so no method of a
/// wrapper has to look at it.
macro_rules! handle {
    ($name:ident, $raw:ident, $release:ident) => {
        #[derive(Debug)]
        pub(crate) struct $name(pub *mut rustml_sys::$raw);
        impl $name {
            pub const fn empty() -> Self {
                Self(std::ptr::null_mut())
            }
        }
        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: gives back the reference that this value owns; handles are values, never addresses.
                crate::panics::quietly(|| unsafe {
                    rustml_sys::$release(self.0);
                });
            }
        }
        // SAFETY: a handle may be used and released on any thread.
        unsafe impl Send for $name {}
    };
}
pub(crate) use handle;

/// # Safety
/// `data` points at `len` elements that live as long as 'a, or `len` is 0.
pub(crate) unsafe fn slice<'a, T>(data: *const T, len: u64) -> &'a [T] {
    if data.is_null() || len == 0 {
        return &[];
    }
    std::slice::from_raw_parts(data, len as usize)
}

/// # Safety
/// As `slice`. The library promises UTF-8; what is not becomes U+FFFD.
pub(crate) unsafe fn string(data: *const std::ffi::c_char, len: u64) -> String {
    String::from_utf8_lossy(slice(data.cast::<u8>(), len)).into_owned()
}

/// # Safety
/// `text` is null or NUL-terminated.
pub(crate) unsafe fn c_string(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    CStr::from_ptr(text).to_string_lossy().into_owned()
}

pub(crate) fn text(text: &str) -> rustml_text {
    rustml_text { ptr: text.as_ptr().cast(), len: text.len() as u64 }
}

/// Paths are UTF-8 on every system.
pub(crate) fn path(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| {
        Error::new(RUSTML_INVALID_ARGUMENT, format!("path {path:?} is not UTF-8; rename it"))
    })
}
