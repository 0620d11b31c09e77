//! Weights and tokenizer of one file.
use crate::{callback, ffi, prompt};
use crate::{
    BlockType, CallOptions, EncodeOptions, Error, MemoryPlan, Message, ModelInfo, ModelOptions,
    Session, SessionOptions, TokenInfo,
};
use rustml_sys::*;
use std::io::{Read, Seek};
use std::path::Path;

ffi::handle!(Raw, rustml_model, rustml_model_release);
// SAFETY: any number of threads may use a model at once.
unsafe impl Sync for Raw {}

/// A model in memory. Immutable: any number of threads may use it at once, and clones are the same model. It is freed with
/// the last clone and the last session.
///
/// ```no_run
/// let model = rustml::Model::open("model.gguf")?;
/// let ids = model.encode("Once upon a time")?;
/// assert_eq!(model.decode(&ids)?, b"Once upon a time");
/// # Ok::<(), rustml::Error>(())
/// ```
#[derive(Debug)]
pub struct Model(Raw);

impl Model {
    /// Opens a GGUF file or a Hugging Face directory. It is read, checked and packed; nothing stays open or mapped.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, &ModelOptions::new(), &CallOptions::new())
    }

    /// As [`open`](Self::open), with options.
    pub fn open_with(
        path: impl AsRef<Path>,
        options: &ModelOptions,
        call: &CallOptions,
    ) -> Result<Self, Error> {
        let path = ffi::path(path.as_ref())?;
        Self::made(options, call, |options, out, call| {
            // SAFETY: everything points at what lives during the call.
            ffi::call(|error| unsafe {
                rustml_model_open(
                    path.as_ptr().cast(),
                    path.len() as u64,
                    options,
                    out,
                    call,
                    error,
                )
            })
        })
    }

    /// Opens a GGUF file that lies in memory; `data` is needed only during the call.
    pub fn open_bytes(
        data: &[u8],
        options: &ModelOptions,
        call: &CallOptions,
    ) -> Result<Self, Error> {
        Self::made(options, call, |options, out, call| {
            // SAFETY: as open.
            ffi::call(|error| unsafe {
                rustml_model_open_memory(
                    data.as_ptr().cast(),
                    data.len() as u64,
                    options,
                    out,
                    call,
                    error,
                )
            })
        })
    }

    /// Opens a GGUF file that `reader` delivers.
    pub fn open_reader(
        reader: impl Read + Seek,
        options: &ModelOptions,
        call: &CallOptions,
    ) -> Result<Self, Error> {
        Self::made(options, call, |options, out, call| {
            callback::with_reader(reader, |reader| {
                // SAFETY: as open.
                ffi::call(|error| unsafe {
                    rustml_model_open_reader(reader, options, out, call, error)
                })
            })
        })
    }

    fn made(
        options: &ModelOptions,
        call: &CallOptions,
        open: impl FnOnce(
            *const rustml_model_options,
            *mut *mut rustml_model,
            *const rustml_call_options,
        ) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        ffi::check()?;
        let mut raw = Raw::empty();
        let options = options.raw();
        call.apply(|call| open(&options, &mut raw.0, call))?;
        Ok(Self(raw))
    }

    /// What opening the model and one session would take, without doing it: only the file's header is read.
    pub fn plan(
        path: impl AsRef<Path>,
        options: &ModelOptions,
        session: &SessionOptions,
        call: &CallOptions,
    ) -> Result<MemoryPlan, Error> {
        ffi::check()?;
        let path = ffi::path(path.as_ref())?;
        let (options, session) = (options.raw(), session.raw());
        let mut out = ffi::output!(rustml_memory_plan);
        call.apply(|call| {
            // SAFETY: as open.
            ffi::call(|error| unsafe {
                let (path, len) = (path.as_ptr().cast(), path.len() as u64);
                rustml_model_plan(path, len, &options, &session, &mut out, call, error)
            })
        })?;
        Ok(MemoryPlan {
            file_bytes: out.file_bytes,
            weight_bytes: out.weight_bytes,
            scratch_bytes: out.scratch_bytes,
            kv_bytes: out.kv_bytes,
            total_bytes: out.total_bytes,
            context_tokens: out.context_tokens,
        })
    }

    /// Writes the model at `path` as one GGUF file with its matrices in another type. The file appears whole or not at all.
    pub fn quantize(
        path: impl AsRef<Path>,
        out_path: impl AsRef<Path>,
        block_type: BlockType,
        call: &CallOptions,
    ) -> Result<(), Error> {
        ffi::check()?;
        let (path, out) = (ffi::path(path.as_ref())?, ffi::path(out_path.as_ref())?);
        let mut options = ffi::defaults(rustml_quantize_options_init);
        options.block_type = block_type.into();
        call.apply(|call| {
            // SAFETY: as open.
            ffi::call(|error| unsafe {
                let (path, path_len) = (path.as_ptr().cast(), path.len() as u64);
                let (out, out_len) = (out.as_ptr().cast(), out.len() as u64);
                rustml_model_quantize(path, path_len, out, out_len, &options, call, error)
            })
        })
    }

    /// Shape, memory and names.
    pub fn info(&self) -> Result<ModelInfo, Error> {
        let mut out = ffi::output!(rustml_model_info);
        // SAFETY: the texts live as long as the model and are copied here.
        unsafe {
            ffi::call(|error| rustml_model_get_info(self.raw(), &mut out, error))?;
            Ok(ModelInfo::copy(&out))
        }
    }

    /// Everything known about the model as one JSON object: configuration, tensors, tokenizer, memory.
    pub fn describe_json(&self) -> Result<String, Error> {
        // SAFETY: the buffer is as large as it says.
        let json = ffi::buffer(0, |buf, capacity, needed, error| unsafe {
            rustml_model_describe_json(self.raw(), buf, capacity, needed, error)
        })?;
        Ok(text(json))
    }

    /// The tokens of a text, with those that the model's file says a text begins with.
    pub fn encode(&self, text: &str) -> Result<Vec<i32>, Error> {
        self.encode_with(text, EncodeOptions::new(), &CallOptions::new())
    }

    /// As [`encode`](Self::encode), with options.
    pub fn encode_with(
        &self,
        text: &str,
        options: EncodeOptions,
        call: &CallOptions,
    ) -> Result<Vec<i32>, Error> {
        let (data, len) = (text.as_ptr().cast(), text.len() as u64);
        ffi::buffer(text.len() / 2 + 16, |buf, capacity, needed, error| {
            // SAFETY: as describe_json.
            call.apply(|call| unsafe {
                rustml_model_encode(
                    self.raw(),
                    data,
                    len,
                    options.raw(),
                    buf,
                    capacity,
                    needed,
                    call,
                    error,
                )
            })
        })
    }

    /// The text of tokens, as bytes: an answer cut anywhere may end inside a character.
    pub fn decode(&self, ids: &[i32]) -> Result<Vec<u8>, Error> {
        self.decoded(ids, 0)
    }

    /// The text of tokens without the special ones; bytes that are not UTF-8 become U+FFFD.
    pub fn decode_text(&self, ids: &[i32]) -> Result<String, Error> {
        let bytes = self.decoded(ids, RUSTML_DECODE_SKIP_SPECIAL)?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|problem| String::from_utf8_lossy(problem.as_bytes()).into_owned()))
    }

    fn decoded(&self, ids: &[i32], flags: u32) -> Result<Vec<u8>, Error> {
        let (data, n) = (ids.as_ptr(), ids.len() as u64);
        // SAFETY: as describe_json.
        ffi::buffer::<u8>(ids.len() * 8, |buf, capacity, needed, error| unsafe {
            rustml_model_decode(self.raw(), data, n, flags, buf.cast(), capacity, needed, error)
        })
    }

    /// The bytes of one token.
    pub fn token_bytes(&self, id: i32) -> Result<Vec<u8>, Error> {
        // SAFETY: as describe_json.
        ffi::buffer(32, |buf, capacity, needed, error| unsafe {
            rustml_model_token_bytes(self.raw(), id, buf, capacity, needed, error)
        })
    }

    /// What kind of token it is.
    pub fn token_info(&self, id: i32) -> Result<TokenInfo, Error> {
        let mut out = ffi::output!(rustml_token_info);
        // SAFETY: the out parameter is writable.
        ffi::call(|error| unsafe { rustml_model_token_info(self.raw(), id, &mut out, error) })?;
        Ok(TokenInfo {
            special: out.flags & RUSTML_TOKEN_SPECIAL != 0,
            byte: out.flags & RUSTML_TOKEN_BYTE != 0,
            unknown: out.flags & RUSTML_TOKEN_UNKNOWN != 0,
            stop: out.flags & RUSTML_TOKEN_STOP != 0,
            score: out.score,
        })
    }

    /// The text that the model's chat template makes of a conversation, for display. To generate, pass the messages
    /// themselves as the [`Prompt`](crate::Prompt): only then text of special tokens inside a message stays plain text.
    pub fn chat_format(
        &self,
        messages: &[Message],
        add_generation_prompt: bool,
    ) -> Result<String, Error> {
        self.chat_format_json(&prompt::json(messages), add_generation_prompt)
    }

    /// As [`chat_format`](Self::chat_format), of JSON in the OpenAI shape: `[{"role": …, "content": …}, …]`.
    pub fn chat_format_json(
        &self,
        json: &str,
        add_generation_prompt: bool,
    ) -> Result<String, Error> {
        let chat = prompt::chat_options(add_generation_prompt);
        let (data, len) = (json.as_ptr().cast(), json.len() as u64);
        let none = std::ptr::null();
        // SAFETY: as describe_json.
        let formatted = ffi::buffer(json.len(), |buf, capacity, needed, error| unsafe {
            rustml_model_chat_format(
                self.raw(),
                data,
                len,
                &chat,
                buf,
                capacity,
                needed,
                none,
                error,
            )
        })?;
        Ok(text(formatted))
    }

    /// A new, empty conversation.
    pub fn session(&self) -> Result<Session, Error> {
        self.session_with(&SessionOptions::new(), &CallOptions::new())
    }

    /// As [`session`](Self::session), with options.
    pub fn session_with(
        &self,
        options: &SessionOptions,
        call: &CallOptions,
    ) -> Result<Session, Error> {
        Session::create(self, options, call)
    }

    pub(crate) fn raw(&self) -> *mut rustml_model {
        self.0 .0
    }
}

impl Clone for Model {
    fn clone(&self) -> Self {
        // SAFETY: adds the reference that the clone gives back.
        Self(Raw(unsafe { rustml_model_retain(self.raw()) }))
    }
}

fn text(bytes: Vec<std::ffi::c_char>) -> String {
    // SAFETY: readable for its own length.
    unsafe { ffi::string(bytes.as_ptr(), bytes.len() as u64) }
}
