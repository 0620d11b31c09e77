#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![warn(rust_2018_idioms)]

mod batch;
mod beam;
mod call;
mod callback;
mod cancel;
mod chat;
mod error;
mod ffi;
mod generation;
mod info;
pub mod log;
mod model;
mod options;
mod panics;
mod prompt;
mod session;
mod snapshot;
#[cfg(feature = "stream")]
mod stream;

pub use batch::BatchFlow;
pub use beam::{BeamEvent, Hypothesis};
pub use call::{CallOptions, Progress};
pub use cancel::{CancelHandle, CancelReason};
pub use chat::Chat;
pub use error::{Details, Error};
pub use generation::{Chunk, Deadline, Event, Finish, Generation, Outcome, TokenLogprob};
pub use info::{MemoryPlan, ModelInfo, TokenInfo};
pub use model::Model;
pub use options::{
    BeamOptions, BlockType, EarlyStopping, EncodeOptions, GenerationOptions, KvType, ModelOptions,
    OnStop, Quantize, SessionOptions,
};
pub use prompt::{Message, Prompt};
pub use session::{Session, SessionInfo};
pub use snapshot::{Fingerprint, Restored, SnapshotInfo};
#[cfg(feature = "stream")]
pub use stream::ChunkStream;

/// The version of the library that was loaded, as `1.0.0`.
pub fn version() -> String {
    // SAFETY: static and NUL-terminated.
    unsafe { ffi::c_string(rustml_sys::rustml_version()) }
}

/// How the library was built, as JSON: compiler, dependencies, SIMD targets compiled and usable here.
pub fn build_json() -> String {
    // SAFETY: static and NUL-terminated.
    unsafe { ffi::c_string(rustml_sys::rustml_build_json()) }
}
