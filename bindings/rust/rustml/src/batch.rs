//! Many answers side by side.
use crate::{call::unless_stopped, callback, ffi, generation};
use crate::{Chunk, Error, GenerationOptions, Model, Outcome, Prompt, SessionOptions};
use rustml_sys::*;

/// What a batch does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchFlow {
    /// Go on.
    Continue,
    /// End this answer, without a last chunk.
    StopOne,
    /// End them all.
    StopAll,
}

impl Model {
    /// One answer for each prompt, several at once on sessions of their own, each exactly what it would be alone. Each chunk
    /// goes to `on_chunk` with the index of its prompt, in order within one answer. How each ended comes back in the order
    /// of the prompts; the call itself fails only for faults of its arguments.
    ///
    /// ```no_run
    /// # use rustml::{BatchFlow, GenerationOptions, Model, SessionOptions};
    /// # let model = Model::open("model.gguf")?;
    /// let mut texts = vec![String::new(); 2];
    /// let options = GenerationOptions::new().max_tokens(20);
    /// let requests = ["One, two,", "Red, green,"].map(|prompt| (prompt.into(), options.clone()));
    /// model.generate_batch(&SessionOptions::new(), &requests, |i, chunk| {
    ///     texts[i] += &chunk.text;
    ///     BatchFlow::Continue
    /// })?;
    /// # Ok::<(), rustml::Error>(())
    /// ```
    pub fn generate_batch(
        &self,
        session: &SessionOptions,
        requests: &[(Prompt, GenerationOptions)],
        mut on_chunk: impl FnMut(usize, Chunk) -> BatchFlow,
    ) -> Result<Vec<Result<Outcome, Error>>, Error> {
        let chats: Vec<_> = requests.iter().map(|(prompt, _)| prompt.chat()).collect();
        let prompts: Vec<_> =
            requests.iter().zip(&chats).map(|((prompt, _), chat)| prompt.raw(chat)).collect();
        let mut results = vec![ffi::output!(rustml_result); requests.len()];
        // A failed answer's message comes as a LOG event before its end.
        let mut messages = vec![String::new(); requests.len()];
        let callback = callback::callback(|event| {
            let sequence = event.sequence as usize;
            // SAFETY: the event's views live until this returns.
            let flow = match event.kind {
                RUSTML_EVENT_LOG => {
                    if let Some(message) = messages.get_mut(sequence) {
                        *message = unsafe { ffi::string(event.text, event.text_len) };
                    }
                    BatchFlow::Continue
                }
                RUSTML_EVENT_TOKEN | RUSTML_EVENT_STOPPED => {
                    on_chunk(sequence, unsafe { generation::copy_chunk(event) })
                }
                _ => BatchFlow::Continue,
            };
            match flow {
                BatchFlow::Continue => 0,
                BatchFlow::StopOne => RUSTML_CALLBACK_STOP_ONE,
                BatchFlow::StopAll => RUSTML_CALLBACK_STOP_ONE + 1,
            }
        });
        let session = session.raw();
        let raw: Vec<_> = requests.iter().map(|(_, options)| options.raw()).collect();
        let options: Vec<*const _> = raw.iter().map(|raw| &raw.options as *const _).collect();
        let (n, out) = (prompts.len() as u64, results.as_mut_ptr());
        // SAFETY: all arrays have n elements and live during the call.
        unless_stopped(ffi::call(|error| unsafe {
            let (prompts, options) = (prompts.as_ptr(), options.as_ptr());
            rustml_generate_batch(self.raw(), &session, prompts, options, n, &callback, out, error)
        }))?;
        let ends = results.iter().zip(messages);
        Ok(ends
            .map(|(result, message)| match result.status {
                RUSTML_OK | RUSTML_CALLBACK_STOP => Ok(Outcome::of(result)),
                status => Err(Error::new(status, message)),
            })
            .collect())
    }
}
