use core::ffi::{c_void, CStr};
use core::mem::size_of;
use rustml_sys::*;

/// With RUSTML_EXPECT_REFUSAL the library at hand does not fit; it is what the refusal has to say.
fn refusal_expected() -> Option<String> {
    std::env::var("RUSTML_EXPECT_REFUSAL").ok()
}

#[test]
fn version_and_layout() {
    if let Some(words) = refusal_expected() {
        assert!(check_layout().unwrap_err().contains(&words));
        return;
    }
    check_layout().unwrap();
    unsafe {
        assert_eq!(rustml_abi_version(), RUSTML_VERSION_MAJOR << 16 | RUSTML_VERSION_MINOR);
        assert!(!CStr::from_ptr(rustml_version()).to_bytes().is_empty());
        assert_eq!(rustml_abi_layout_hash(999, 0), 0);
    }
}

#[derive(Default)]
struct Seen {
    reads: u32,
    destroyed: u32,
}

unsafe extern "C" fn read_at(user_data: *mut c_void, _: u64, _: *mut c_void, _: u64) -> i32 {
    (*user_data.cast::<Seen>()).reads += 1;
    7
}

unsafe extern "C" fn destroy(user_data: *mut c_void) {
    (*user_data.cast::<Seen>()).destroyed += 1;
}

#[test]
fn a_callback_stops_a_call_and_is_destroyed_once() {
    if refusal_expected().is_some() {
        return;
    }
    let mut seen = Seen::default();
    unsafe {
        let mut reader: rustml_reader = core::mem::zeroed();
        let mut info: rustml_snapshot_info = core::mem::zeroed();
        let mut error = core::ptr::null_mut();
        assert_eq!(rustml_reader_init(&mut reader, size_of::<rustml_reader>() as u32), RUSTML_OK);
        info.struct_size = size_of::<rustml_snapshot_info>() as u32;
        reader.user_data = (&mut seen as *mut Seen).cast();
        reader.size = 1 << 20;
        reader.read_at = Some(read_at);
        reader.destroy = Some(destroy);
        assert_eq!(rustml_snapshot_probe(&reader, &mut info, &mut error), RUSTML_CALLBACK_STOP);
        assert_eq!(rustml_error_callback_value(error), 7);
        assert_eq!(rustml_error_release(error), RUSTML_OK);
        assert_eq!(rustml_error_release(error), RUSTML_INVALID_HANDLE);
    }
    assert_eq!((seen.reads, seen.destroyed), (1, 1));
}
