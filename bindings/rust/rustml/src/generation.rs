//! Answers, token by token.
use crate::cancel::CancelReason;
use crate::{ffi, CancelHandle, Error, GenerationOptions, Progress, Prompt, Session};
use rustml_sys::*;
use std::fmt;
use std::iter::FusedIterator;
use std::time::Duration;

ffi::handle!(Raw, rustml_generation, rustml_generation_release);

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Finish {
    /// The model's own end, or one of `stop_ids`.
    StopToken,
    /// One of the stop texts.
    StopString,
    /// `max_tokens`.
    Length,
    /// The session can hold no more.
    ContextFull,
    /// A cancel handle fired.
    Cancelled,
    /// A time limit passed.
    Deadline,
    /// A closure asked for it.
    Callback,
    /// It was closed or dropped.
    Closed,
    /// It failed.
    Error,
}

impl Finish {
    pub(crate) fn of(finish: i32) -> Option<Self> {
        Some(match finish {
            RUSTML_FINISH_STOP_TOKEN => Self::StopToken,
            RUSTML_FINISH_STOP_STRING => Self::StopString,
            RUSTML_FINISH_LENGTH => Self::Length,
            RUSTML_FINISH_CONTEXT_FULL => Self::ContextFull,
            RUSTML_FINISH_CANCELLED => Self::Cancelled,
            RUSTML_FINISH_DEADLINE => Self::Deadline,
            RUSTML_FINISH_CALLBACK => Self::Callback,
            RUSTML_FINISH_CLOSED => Self::Closed,
            RUSTML_FINISH_NONE => return None,
            _ => Self::Error,
        })
    }
}

/// A token and the natural logarithm of its probability.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TokenLogprob {
    /// The token.
    pub id: i32,
    /// Under the model's own softmax.
    pub logprob: f32,
}

/// A piece of an answer: one sampled token, or its end. `Display` is its text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Chunk {
    /// What is certain of the text by now: whole characters, lagging by an unfinished one or a possible stop text. May be
    /// empty.
    pub text: String,
    /// The token's raw bytes.
    pub bytes: Vec<u8>,
    /// The sampled token; of the last chunk the stop token, if one ended the answer.
    pub token: Option<i32>,
    /// Index of the token in the session.
    pub position: u64,
    /// With `logprobs` of at least 1.
    pub logprob: Option<f32>,
    /// With `logprobs`: the most probable tokens, best first.
    pub top: Vec<TokenLogprob>,
    /// Of the last chunk: why the answer ended.
    pub finish: Option<Finish>,
}

impl fmt::Display for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What [`Generation::next_event`] delivers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// How much of the prompt is evaluated; with `prefill_events` only.
    Prefill(Progress),
    /// One sampled token.
    Token(Chunk),
    /// The end.
    Stopped(Chunk),
}

/// # Safety
/// The event's views are readable.
pub(crate) unsafe fn copy_chunk(event: &rustml_event) -> Chunk {
    let top = ffi::slice(event.top, event.n_top.into());
    Chunk {
        text: ffi::string(event.text, event.text_len),
        bytes: ffi::slice(event.bytes.cast::<u8>(), event.bytes_len).to_vec(),
        token: (event.token_id >= 0).then_some(event.token_id),
        position: event.position,
        logprob: (!event.logprob.is_nan()).then_some(event.logprob),
        top: top.iter().map(|top| TokenLogprob { id: top.id, logprob: top.logprob }).collect(),
        finish: Finish::of(event.finish),
    }
}

/// # Safety
/// As `copy_chunk`.
pub(crate) unsafe fn copy(event: &rustml_event) -> Option<Event> {
    match event.kind {
        RUSTML_EVENT_PREFILL => Some(Event::Prefill(Progress::of(event))),
        RUSTML_EVENT_TOKEN => Some(Event::Token(copy_chunk(event))),
        RUSTML_EVENT_STOPPED => Some(Event::Stopped(copy_chunk(event))),
        _ => None,
    }
}

/// An answer being made: an iterator of its [`Chunk`]s. The last one has a `finish`; a stop by cancel, deadline or failure is
/// an `Err` instead, after which nothing more comes. Dropping it closes the answer; the session is usable at once.
///
/// It keeps its session and model alive and borrows nothing, so it can be stored, returned and sent to other threads.
#[derive(Debug)]
pub struct Generation {
    raw: Raw,
    cancel: CancelHandle,
    #[cfg_attr(not(feature = "stream"), allow(dead_code))]
    cancel_is_own: bool,
    ended: bool,
}

impl Generation {
    fn made(
        options: &GenerationOptions,
        start: impl FnOnce(&rustml_generation_options, *mut *mut rustml_generation) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let given = options.cancel_handle();
        let cancel = given.map_or_else(CancelHandle::new, |handle| Ok(handle.clone()))?;
        let mut raw_options = options.raw();
        raw_options.options.cancel = cancel.raw();
        let mut raw = Raw::empty();
        start(&raw_options.options, &mut raw.0)?;
        Ok(Self { raw, cancel, cancel_is_own: given.is_none(), ended: false })
    }

    pub(crate) fn start(
        session: &Session,
        prompt: &Prompt,
        options: &GenerationOptions,
    ) -> Result<Self, Error> {
        let chat = prompt.chat();
        Self::made(options, |options, out| {
            // SAFETY: everything points at what lives during the call.
            ffi::call(|error| unsafe {
                rustml_generation_start(session.raw(), &prompt.raw(&chat), options, out, error)
            })
        })
    }

    pub(crate) fn resume(session: &Session, options: &GenerationOptions) -> Result<Self, Error> {
        Self::made(options, |options, out| {
            // SAFETY: as start.
            ffi::call(|error| unsafe {
                rustml_generation_resume(session.raw(), options, out, error)
            })
        })
    }

    /// The next event, [`Event::Prefill`] included; `None` when nothing more comes.
    pub fn next_event(&mut self) -> Option<Result<Event, Error>> {
        while !self.ended {
            let mut event = ffi::output!(rustml_event);
            // SAFETY: the views are copied before the next call, which needs &mut self or a drop.
            let result = unsafe {
                let next = |error| rustml_generation_next(self.raw.0, &mut event, error);
                ffi::status(next).map(|status| (status, copy(&event)))
            };
            match result {
                Ok((RUSTML_OK, Some(event))) => return Some(Ok(event)),
                Ok((RUSTML_OK, None)) => continue, // an event of a later version
                Ok(_) => self.ended = true,
                Err(error) => {
                    // Busy: another thread is in a call on the session; this answer goes on after it.
                    self.ended = !matches!(error, Error::Busy(_));
                    return Some(Err(error));
                }
            }
        }
        None
    }

    /// Closes the answer as `on_stop` says, which dropping does too.
    pub fn stop(&mut self) -> Result<(), Error> {
        // SAFETY: no pointers.
        ffi::call(|error| unsafe { rustml_generation_stop(self.raw.0, error) })?;
        self.ended = true;
        Ok(())
    }

    /// Counts, times and how it ended, at any moment.
    pub fn outcome(&self) -> Result<Outcome, Error> {
        let mut out = ffi::output!(rustml_result);
        // SAFETY: the out parameter is writable.
        ffi::call(|error| unsafe { rustml_generation_result(self.raw.0, &mut out, error) })?;
        Ok(Outcome::of(&out))
    }

    /// The whole remaining text.
    pub fn into_text(self) -> Result<String, Error> {
        self.map(|chunk| chunk.map(|chunk| chunk.text)).collect()
    }

    /// Stops it from another thread: the handle of its options, else one of its own.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    /// Only if nothing else is stopped by it.
    #[cfg(feature = "stream")]
    pub(crate) fn own_cancel_handle(&self) -> Option<CancelHandle> {
        self.cancel_is_own.then(|| self.cancel_handle())
    }
}

impl Iterator for Generation {
    type Item = Result<Chunk, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_event()? {
                Ok(Event::Prefill(_)) => {}
                Ok(Event::Token(chunk) | Event::Stopped(chunk)) => return Some(Ok(chunk)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl FusedIterator for Generation {}

/// Which time limit passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Deadline {
    /// For the whole.
    Total,
    /// For the first token.
    FirstToken,
    /// Without progress.
    Stall,
    /// A cancel handle with [`CancelReason::Deadline`].
    ByCancel,
}

/// Counts, times and end of an answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Why it ended; `None` while it is open.
    pub finish: Option<Finish>,
    /// The time limit that passed.
    pub deadline: Option<Deadline>,
    /// What the cancel handle was fired with.
    pub cancel_reason: Option<CancelReason>,
    /// Tokens of the whole prompt.
    pub prompt_tokens: u64,
    /// Tokens sampled.
    pub generated_tokens: u64,
    /// Tokens now in the session.
    pub tokens_committed: u64,
    /// Prompt tokens that the session held already.
    pub prefill_tokens_skipped: u64,
    /// Prompt bytes for which the vocabulary has no token.
    pub dropped_bytes: u64,
    /// From the start to the first token.
    pub first_token: Duration,
    /// Time of the prompt.
    pub prefill: Duration,
    /// Time of the answer.
    pub decode: Duration,
    /// The model's `bytes_peak`.
    pub peak_memory_bytes: u64,
    /// From the trigger or deadline to the end of the stopped pass.
    pub stop_latency: Duration,
    /// Guesses of `prompt_lookup` that were evaluated.
    pub drafted_tokens: u64,
    /// Guesses that came true.
    pub accepted_tokens: u64,
}

impl Outcome {
    pub(crate) fn of(raw: &rustml_result) -> Self {
        let seconds = |time: f64| Duration::try_from_secs_f64(time).unwrap_or_default();
        Self {
            finish: Finish::of(raw.finish),
            deadline: match raw.deadline {
                RUSTML_DEADLINE_TOTAL => Some(Deadline::Total),
                RUSTML_DEADLINE_FIRST_TOKEN => Some(Deadline::FirstToken),
                RUSTML_DEADLINE_STALL => Some(Deadline::Stall),
                RUSTML_DEADLINE_BY_CANCEL => Some(Deadline::ByCancel),
                _ => None,
            },
            cancel_reason: CancelReason::from_raw(raw.cancel_reason),
            prompt_tokens: raw.prompt_tokens,
            generated_tokens: raw.generated_tokens,
            tokens_committed: raw.tokens_committed,
            prefill_tokens_skipped: raw.prefill_tokens_skipped,
            dropped_bytes: raw.dropped_bytes,
            first_token: seconds(raw.first_token_seconds),
            prefill: seconds(raw.prefill_seconds),
            decode: seconds(raw.decode_seconds),
            peak_memory_bytes: raw.peak_memory_bytes,
            stop_latency: Duration::from_nanos(raw.stop_latency_ns),
            drafted_tokens: raw.drafted_tokens,
            accepted_tokens: raw.accepted_tokens,
        }
    }
}
