//! The most probable continuations instead of a sampled one.
use crate::{call::unless_stopped, callback, ffi};
use crate::{BeamOptions, Error, Finish, Outcome, Progress, Prompt, Session};
use rustml_sys::*;
use std::ops::ControlFlow;

/// One continuation that a beam search found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Hypothesis {
    /// 0 is the best.
    pub rank: u32,
    /// The tokens behind the prompt, without the stop token.
    pub ids: Vec<i32>,
    /// Their text.
    pub text: String,
    /// The stop token that ended it.
    pub stop_token: Option<i32>,
    /// Sum over all its tokens.
    pub logprob: f32,
    /// `logprob / n ^ length_penalty`; n counts the stop token.
    pub score: f32,
    /// Why it ended.
    pub finish: Option<Finish>,
}

/// What [`Session::beam_search_with`] delivers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BeamEvent {
    /// How much of the prompt is evaluated; with `prefill_events` only.
    Prefill(Progress),
    /// Tokens of each beam by now; with `progress_events` only.
    Progress(Progress),
    /// At the end, best first.
    Hypothesis(Hypothesis),
}

/// # Safety
/// The event's views are readable.
unsafe fn copy(event: &rustml_event) -> Option<BeamEvent> {
    Some(match event.kind {
        RUSTML_EVENT_PREFILL => BeamEvent::Prefill(Progress::of(event)),
        RUSTML_EVENT_PROGRESS => BeamEvent::Progress(Progress::of(event)),
        RUSTML_EVENT_BEAM => BeamEvent::Hypothesis(Hypothesis {
            rank: event.sequence,
            ids: ffi::slice(event.ids, event.n_ids).to_vec(),
            text: ffi::string(event.text, event.text_len),
            stop_token: (event.token_id >= 0).then_some(event.token_id),
            logprob: event.logprob,
            score: event.score,
            finish: Finish::of(event.finish),
        }),
        _ => return None,
    })
}

/// Beam search.
impl Session {
    /// The best hypotheses, best first; none when the prompt leaves no room. Afterwards the session holds the prompt and the
    /// best of them.
    pub fn beam_search(
        &mut self,
        prompt: impl Into<Prompt>,
        options: &BeamOptions,
    ) -> Result<Vec<Hypothesis>, Error> {
        let mut found = Vec::new();
        self.beam_search_with(prompt, options, |event| {
            if let BeamEvent::Hypothesis(hypothesis) = event {
                found.push(hypothesis);
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// As [`beam_search`](Self::beam_search), each event to `on_event`, which ends the search with `Break`. A search stopped
    /// by cancel or deadline delivers the best so far before it returns that error.
    pub fn beam_search_with(
        &mut self,
        prompt: impl Into<Prompt>,
        options: &BeamOptions,
        mut on_event: impl FnMut(BeamEvent) -> ControlFlow<()>,
    ) -> Result<Outcome, Error> {
        let prompt = prompt.into();
        let chat = prompt.chat();
        let mut out = ffi::output!(rustml_result);
        let callback = callback::callback(|event| {
            // SAFETY: the event's views live until this returns.
            let flow = unsafe { copy(event) }.map_or(ControlFlow::Continue(()), &mut on_event);
            i32::from(flow.is_break())
        });
        let options = options.raw();
        // SAFETY: everything points at what lives during the call.
        let result = ffi::call(|error| unsafe {
            let prompt = prompt.raw(&chat);
            rustml_beam_search(self.raw(), &prompt, &options, &callback, &mut out, error)
        });
        unless_stopped(result)?;
        Ok(Outcome::of(&out))
    }
}
