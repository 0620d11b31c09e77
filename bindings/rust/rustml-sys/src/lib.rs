//! Raw bindings to librustml. `rustml.h` says what everything means; the crate `librustml` is the comfortable way.
#![no_std]
#![allow(non_camel_case_types)]

extern crate alloc;

#[rustfmt::skip]
mod bindings;

pub use bindings::*;

use alloc::{format, string::String};

/// Says why the library that was loaded does not fit these declarations. To be asked before anything else is called.
pub fn check_layout() -> Result<(), String> {
    let (major, minor) = (RUSTML_VERSION_MAJOR, RUSTML_VERSION_MINOR);
    // SAFETY: both take and return integers only.
    let (hash, abi) = unsafe { (rustml_abi_layout_hash(major, minor), rustml_abi_version()) };
    let theirs = format!("the librustml that was loaded has ABI {}.{}", abi >> 16, abi & 0xFFFF);
    match hash {
        RUSTML_ABI_LAYOUT_HASH => Ok(()),
        0 => Err(format!(
            "{theirs} and does not know {major}.{minor}, which this crate was made for; install a matching librustml"
        )),
        _ => Err(format!(
            "{theirs} and another layout of {major}.{minor} (hash {hash:#x}, this crate was made for \
             {RUSTML_ABI_LAYOUT_HASH:#x}); install a matching librustml"
        )),
    }
}
