//! One conversation: its tokens and KV cache.
use crate::{call::unless_stopped, callback, ffi, generation};
use crate::{
    CallOptions, Chunk, Error, Event, Generation, GenerationOptions, Model, Outcome, Prompt,
    SessionOptions,
};
use rustml_sys::*;
use std::ops::ControlFlow;

ffi::handle!(Raw, rustml_session, rustml_session_release);

/// A conversation. One call at a time, from any thread: it is `Send`, and calls that change it take `&mut self`. A
/// [`Generation`] keeps what it needs by itself, so sessions, models and generations may be dropped in any order.
///
/// ```no_run
/// # let model = rustml::Model::open("model.gguf")?;
/// let mut session = model.session()?;
/// for chunk in session.generate("Once upon a time", &Default::default())? {
///     print!("{}", chunk?);
/// }
/// # Ok::<(), rustml::Error>(())
/// ```
#[derive(Debug)]
pub struct Session(Raw);

impl Session {
    pub(crate) fn create(
        model: &Model,
        options: &SessionOptions,
        call: &CallOptions,
    ) -> Result<Self, Error> {
        let mut raw = Raw::empty();
        let options = options.raw();
        call.apply(|call| {
            // SAFETY: everything points at what lives during the call.
            ffi::call(|error| unsafe {
                rustml_session_create(model.raw(), &options, &mut raw.0, call, error)
            })
        })?;
        Ok(Self(raw))
    }

    /// Where it is and what it takes. Also while another thread's call runs: as it was when that began or, of a generation, at
    /// its last event.
    pub fn info(&self) -> Result<SessionInfo, Error> {
        let mut out = ffi::output!(rustml_session_info);
        // SAFETY: the out parameter is writable.
        ffi::call(|error| unsafe { rustml_session_get_info(self.raw(), &mut out, error) })?;
        Ok(SessionInfo {
            poisoned: out.poisoned != 0,
            position: out.position,
            capacity: out.capacity,
            rewind_floor: out.rewind_floor,
            kv_bytes_reserved: out.kv_bytes_reserved,
            kv_bytes_used: out.kv_bytes_used,
            generation_open: out.generation_open != 0,
        })
    }

    /// Its tokens.
    pub fn tokens(&self) -> Result<Vec<i32>, Error> {
        // SAFETY: the buffer is as large as it says.
        ffi::buffer(0, |buf, capacity, needed, error| unsafe {
            rustml_session_tokens(self.raw(), buf, capacity, needed, error)
        })
    }

    /// Appends and evaluates tokens; all or nothing.
    pub fn eval(&mut self, ids: &[i32]) -> Result<(), Error> {
        self.eval_with(ids, &CallOptions::new())
    }

    /// As [`eval`](Self::eval), with limits.
    pub fn eval_with(&mut self, ids: &[i32], call: &CallOptions) -> Result<(), Error> {
        call.apply(|call| {
            // SAFETY: as create.
            ffi::call(|error| unsafe {
                rustml_session_eval(self.raw(), ids.as_ptr(), ids.len() as u64, call, error)
            })
        })
    }

    /// Scores of every token of the vocabulary to follow. Evaluates the last token if that has not been done, as after an
    /// answer.
    pub fn logits(&self) -> Result<Vec<f32>, Error> {
        self.logits_with(&CallOptions::new())
    }

    /// As [`logits`](Self::logits), with limits.
    pub fn logits_with(&self, call: &CallOptions) -> Result<Vec<f32>, Error> {
        ffi::buffer(0, |buf, capacity, needed, error| {
            // SAFETY: as tokens.
            call.apply(|call| unsafe {
                rustml_session_logits(self.raw(), buf, capacity, needed, call, error)
            })
        })
    }

    /// Keeps the first `n_tokens`. [`Error::OutOfRange`] above the position and below the rewind floor.
    pub fn rewind(&mut self, n_tokens: u64) -> Result<(), Error> {
        // SAFETY: no pointers.
        ffi::call(|error| unsafe { rustml_session_rewind(self.raw(), n_tokens, error) })
    }

    /// Back to an empty session.
    pub fn reset(&mut self) -> Result<(), Error> {
        // SAFETY: no pointers.
        ffi::call(|error| unsafe { rustml_session_reset(self.raw(), error) })
    }

    /// An independent session with the same tokens.
    pub fn fork(&mut self) -> Result<Self, Error> {
        self.fork_with(&CallOptions::new())
    }

    /// As [`fork`](Self::fork), with limits.
    pub fn fork_with(&mut self, call: &CallOptions) -> Result<Self, Error> {
        let mut raw = Raw::empty();
        call.apply(|call| {
            // SAFETY: as create.
            ffi::call(|error| unsafe { rustml_session_fork(self.raw(), &mut raw.0, call, error) })
        })?;
        Ok(Self(raw))
    }

    /// Begins an answer. Options and prompt are checked here; the prompt is evaluated by the first `next`. While the answer
    /// is open, calls that change the session are [`Error::FailedPrecondition`]; dropping it closes it.
    pub fn generate(
        &mut self,
        prompt: impl Into<Prompt>,
        options: &GenerationOptions,
    ) -> Result<Generation, Error> {
        Generation::start(self, &prompt.into(), options)
    }

    /// Continues the answer that a restored snapshot carried. Of the options only the cancel handle and the limits count.
    pub fn resume(&mut self, options: &GenerationOptions) -> Result<Generation, Error> {
        Generation::resume(self, options)
    }

    /// A whole answer in one call: each chunk goes to `on_chunk`, which ends the answer with `Break`. The session is then as
    /// after any other stop.
    pub fn generate_with(
        &mut self,
        prompt: impl Into<Prompt>,
        options: &GenerationOptions,
        mut on_chunk: impl FnMut(Chunk) -> ControlFlow<()>,
    ) -> Result<Outcome, Error> {
        let prompt = prompt.into();
        let chat = prompt.chat();
        let mut out = ffi::output!(rustml_result);
        let callback = callback::callback(|event| {
            // SAFETY: the event's views live until this returns.
            let flow = match unsafe { generation::copy(event) } {
                Some(Event::Token(chunk) | Event::Stopped(chunk)) => on_chunk(chunk),
                _ => ControlFlow::Continue(()),
            };
            i32::from(flow.is_break())
        });
        let options = options.raw();
        // SAFETY: as create.
        let result = ffi::call(|error| unsafe {
            let prompt = prompt.raw(&chat);
            rustml_generate(self.raw(), &prompt, &options.options, &callback, &mut out, error)
        });
        unless_stopped(result)?;
        Ok(Outcome::of(&out))
    }

    pub(crate) fn raw(&self) -> *mut rustml_session {
        self.0 .0
    }
}

/// Where a session is and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// It failed internally; drop it.
    pub poisoned: bool,
    /// Tokens in it.
    pub position: u64,
    /// Tokens it can hold.
    pub capacity: u64,
    /// The smallest position that [`Session::rewind`] accepts besides 0.
    pub rewind_floor: u64,
    /// KV bytes of a full context.
    pub kv_bytes_reserved: u64,
    /// KV bytes committed now.
    pub kv_bytes_used: u64,
    /// An answer is open on it.
    pub generation_open: bool,
}
