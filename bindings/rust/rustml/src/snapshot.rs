//! Saving a session and going on from it, also in another process or another language.
use crate::{callback, ffi, CallOptions, Error, Session};
use rustml_sys::*;
use std::fmt;
use std::io::{Cursor, Read, Seek, Write};
use std::path::Path;

/// Says which weights a model has.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

impl Fingerprint {
    pub(crate) fn new(low: u64, high: u64) -> Self {
        Self(u128::from(high) << 64 | u128::from(low))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// What the head of a snapshot says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotInfo {
    /// Of the container.
    pub format_version: u32,
    /// Of the whole snapshot.
    pub total_bytes: u64,
    /// Tokens of the session.
    pub n_tokens: u64,
    /// The model that it fits.
    pub model: Fingerprint,
    /// It carries an answer for [`Session::resume`].
    pub generation_open: bool,
}

impl SnapshotInfo {
    /// Reads and checks the head of a snapshot; needs no model.
    pub fn read(reader: impl Read + Seek) -> Result<Self, Error> {
        ffi::check()?;
        let mut out = ffi::output!(rustml_snapshot_info);
        callback::with_reader(reader, |source| {
            // SAFETY: everything points at what lives during the call.
            ffi::call(|error| unsafe { rustml_snapshot_probe(source, &mut out, error) })
        })?;
        Ok(Self {
            format_version: out.format_version,
            total_bytes: out.total_bytes,
            n_tokens: out.n_tokens,
            model: Fingerprint::new(out.model_fingerprint_low, out.model_fingerprint_high),
            generation_open: out.generation_open != 0,
        })
    }

    /// As [`read`](Self::read), of bytes.
    pub fn of(snapshot: &[u8]) -> Result<Self, Error> {
        Self::read(Cursor::new(snapshot))
    }
}

/// What a restore brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// [`Session::resume`] continues an answer.
    pub generation_open: bool,
    /// Tokens now in the session.
    pub n_tokens: u64,
    /// Of them already evaluated.
    pub tokens_reusable: u64,
    /// The smallest position that a rewind may go to besides 0.
    pub rewind_floor: u64,
}

impl Restored {
    fn of(raw: &rustml_restore_info) -> Self {
        Self {
            generation_open: raw.generation_open != 0,
            n_tokens: raw.n_tokens,
            tokens_reusable: raw.tokens_reusable,
            rewind_floor: raw.rewind_floor,
        }
    }
}

/// Snapshots: what was saved continues with the same tokens as if it had never stopped. A restore is all or nothing; it
/// refuses the snapshot of another model ([`Error::FailedPrecondition`]) and damaged ones ([`Error::DataLoss`]).
impl Session {
    /// Exact size of a snapshot taken now, in bytes.
    pub fn snapshot_size(&self) -> Result<u64, Error> {
        let mut size = 0;
        // SAFETY: the out parameter is writable.
        ffi::call(|error| unsafe { rustml_session_snapshot_size(self.raw(), &mut size, error) })?;
        Ok(size)
    }

    /// A snapshot in memory.
    pub fn snapshot(&self) -> Result<Vec<u8>, Error> {
        let size = usize::try_from(self.snapshot_size()?).unwrap_or(0);
        let none = std::ptr::null();
        // SAFETY: the buffer is as large as it says.
        ffi::buffer(size, |buf, capacity, needed, error| unsafe {
            rustml_session_to_buffer(self.raw(), buf, capacity, needed, none, error)
        })
    }

    /// Writes a snapshot.
    pub fn snapshot_to(&self, writer: impl Write, call: &CallOptions) -> Result<(), Error> {
        call.apply(|call| {
            callback::with_sink(writer, |sink| {
                // SAFETY: everything points at what lives during the call.
                ffi::call(|error| unsafe {
                    rustml_session_snapshot_write(self.raw(), sink, call, error)
                })
            })
        })
    }

    /// Writes a snapshot to a file, which is whole or absent.
    pub fn save(&self, path: impl AsRef<Path>, call: &CallOptions) -> Result<(), Error> {
        let path = ffi::path(path.as_ref())?;
        call.apply(|call| {
            // SAFETY: as snapshot_to.
            ffi::call(|error| unsafe {
                rustml_session_save(
                    self.raw(),
                    path.as_ptr().cast(),
                    path.len() as u64,
                    call,
                    error,
                )
            })
        })
    }

    fn restored(
        &mut self,
        call: &CallOptions,
        restore: impl FnOnce(
            *mut rustml_session,
            *mut rustml_restore_info,
            *const rustml_call_options,
        ) -> Result<(), Error>,
    ) -> Result<Restored, Error> {
        let mut out = ffi::output!(rustml_restore_info);
        call.apply(|call| restore(self.raw(), &mut out, call))?;
        Ok(Restored::of(&out))
    }

    /// Becomes what the snapshot was.
    pub fn restore(&mut self, snapshot: &[u8]) -> Result<Restored, Error> {
        let (data, len) = (snapshot.as_ptr(), snapshot.len() as u64);
        self.restored(&CallOptions::new(), |session, out, call| {
            // SAFETY: as snapshot_to.
            ffi::call(|error| unsafe {
                rustml_session_from_buffer(session, data, len, out, call, error)
            })
        })
    }

    /// As [`restore`](Self::restore), of all that `reader` delivers: it is read into memory first. Files that can seek need
    /// no such copy: [`restore_seek`](Self::restore_seek).
    pub fn restore_from(&mut self, mut reader: impl Read) -> Result<Restored, Error> {
        let mut snapshot = Vec::new();
        reader.read_to_end(&mut snapshot)?;
        self.restore(&snapshot)
    }

    /// As [`restore`](Self::restore), reading piece by piece.
    pub fn restore_seek(
        &mut self,
        reader: impl Read + Seek,
        call: &CallOptions,
    ) -> Result<Restored, Error> {
        self.restored(call, |session, out, call| {
            callback::with_reader(reader, |source| {
                // SAFETY: as snapshot_to.
                ffi::call(|error| unsafe {
                    rustml_session_restore(session, source, out, call, error)
                })
            })
        })
    }

    /// As [`restore`](Self::restore), from a file.
    pub fn load(&mut self, path: impl AsRef<Path>, call: &CallOptions) -> Result<Restored, Error> {
        let path = ffi::path(path.as_ref())?;
        self.restored(call, |session, out, call| {
            // SAFETY: as snapshot_to.
            ffi::call(|error| unsafe {
                rustml_session_load(
                    session,
                    path.as_ptr().cast(),
                    path.len() as u64,
                    out,
                    call,
                    error,
                )
            })
        })
    }
}
