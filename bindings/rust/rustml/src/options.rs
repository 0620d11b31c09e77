//! What models, sessions and answers can be asked for.
use crate::call::{deadline_ns, raw_cancel, stall_ns, Limit};
use crate::{ffi, CancelHandle};
use rustml_sys::*;
use std::time::{Duration, Instant};

macro_rules! pinned {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $raw:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$value_doc])* $value,)* }

        impl From<$name> for i32 {
            fn from(value: $name) -> i32 {
                match value { $($name::$value => $raw,)* }
            }
        }
    };
}

pinned! {
    /// What happens to the weights while a model is opened.
    Quantize {
        /// SafeTensors: Q8_0; GGUF: the file's types.
        Auto = RUSTML_QUANTIZE_AUTO,
        /// The file's types.
        Keep = RUSTML_QUANTIZE_KEEP,
        /// Linear layers and the head become Q8_0, where that makes them smaller.
        Q8_0 = RUSTML_QUANTIZE_Q8_0,
        /// Q4_0 likewise.
        Q4_0 = RUSTML_QUANTIZE_Q4_0,
    }
}

pinned! {
    /// Type of the matrices that [`Model::quantize`](crate::Model::quantize) writes.
    BlockType {
        /// 32-bit floats.
        F32 = RUSTML_TYPE_F32,
        /// 16-bit floats.
        F16 = RUSTML_TYPE_F16,
        /// The upper half of 32-bit floats.
        Bf16 = RUSTML_TYPE_BF16,
        /// 8 bits, a scale for 32.
        Q8_0 = RUSTML_TYPE_Q8_0,
        /// 5 bits, scale and minimum.
        Q5_1 = RUSTML_TYPE_Q5_1,
        /// 5 bits, scale.
        Q5_0 = RUSTML_TYPE_Q5_0,
        /// 4 bits, scale and minimum.
        Q4_1 = RUSTML_TYPE_Q4_1,
        /// 4 bits, scale.
        Q4_0 = RUSTML_TYPE_Q4_0,
    }
}

pinned! {
    /// Type of a session's KV cache.
    KvType {
        /// 32-bit floats.
        F32 = RUSTML_KV_F32,
        /// 16-bit floats, the default.
        F16 = RUSTML_KV_F16,
        /// 8 bits, a scale for 32.
        Q8_0 = RUSTML_KV_Q8_0,
    }
}

pinned! {
    /// What a stop of any kind leaves in the session.
    OnStop {
        /// [`Outcome::tokens_committed`](crate::Outcome::tokens_committed) tokens.
        Keep = RUSTML_ON_STOP_KEEP,
        /// The position before the call.
        Rollback = RUSTML_ON_STOP_ROLLBACK,
    }
}

pinned! {
    /// When a beam search that has as many finished hypotheses as beams goes on, as `transformers`' `early_stopping`.
    EarlyStopping {
        /// While a running beam, scored at its present length, beats the worst of them.
        Heuristic = RUSTML_EARLY_STOPPING_HEURISTIC,
        /// It does not go on.
        First = RUSTML_EARLY_STOPPING_FIRST,
        /// While a running beam, scored at the longest length it may reach, beats the worst of them.
        Never = RUSTML_EARLY_STOPPING_NEVER,
    }
}

/// Those options of `$name` that are numbers, and their setters. What is not set keeps the library's default.
macro_rules! numbers {
    ($name:ident, $numbers:ident: $raw:ident from $init:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Clone, Debug, Default)]
        pub(super) struct $numbers { $($field: Option<$type>,)* }

        impl $numbers {
            pub(super) fn raw(&self) -> $raw {
                let mut raw = ffi::defaults($init);
                $(if let Some(value) = self.$field {
                    raw.$field = value.into();
                })*
                raw
            }
        }

        impl $name {
            /// The library's defaults.
            pub fn new() -> Self {
                Self::default()
            }

            $($(#[$doc])*
            #[must_use]
            pub fn $field(mut self, $field: $type) -> Self {
                self.numbers.$field = Some($field);
                self
            })*
        }
    };
}

#[path = "options_generated.rs"]
mod generated;
use generated::{BeamNumbers, GenerationNumbers, ModelNumbers, SessionNumbers};

/// The setters that answers and beam searches share.
macro_rules! limits {
    ($name:ident) => {
        impl $name {
            /// Tokens that end the answer, besides the model's own.
            #[must_use]
            pub fn stop_ids(mut self, ids: impl Into<Vec<i32>>) -> Self {
                self.stop_ids = ids.into();
                self
            }

            /// Stops it with [`Error::Cancelled`](crate::Error::Cancelled) when the handle fires.
            #[must_use]
            pub fn cancel(mut self, handle: &CancelHandle) -> Self {
                self.cancel = Some(handle.clone());
                self
            }

            /// The longest time for the whole, from its start.
            #[must_use]
            pub fn timeout(mut self, time: Duration) -> Self {
                self.limit = Some(Limit::After(time));
                self
            }

            /// The moment at which it stops.
            #[must_use]
            pub fn deadline(mut self, moment: Instant) -> Self {
                self.limit = Some(Limit::At(moment));
                self
            }

            /// The longest time until the first token.
            #[must_use]
            pub fn first_token_timeout(mut self, time: Duration) -> Self {
                self.first_token = Some(Limit::After(time));
                self
            }

            /// The moment at which the first token must be there.
            #[must_use]
            pub fn first_token_deadline(mut self, moment: Instant) -> Self {
                self.first_token = Some(Limit::At(moment));
                self
            }

            /// The longest time without progress; only time inside calls counts.
            #[must_use]
            pub fn stall_timeout(mut self, time: Duration) -> Self {
                self.stall = Some(time);
                self
            }
        }
    };
}

/// How a model is opened.
///
/// ```
/// let options = rustml::ModelOptions::new().n_threads(2).memory_limit_bytes(1 << 30);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ModelOptions {
    numbers: ModelNumbers,
    simd_target: String,
}

impl ModelOptions {
    /// One of the `simd_targets` of [`build_json`](crate::build_json) instead of the best.
    #[must_use]
    pub fn simd_target(mut self, name: impl Into<String>) -> Self {
        self.simd_target = name.into();
        self
    }

    pub(crate) fn raw(&self) -> rustml_model_options {
        let mut raw = self.numbers.raw();
        raw.simd_target = ffi::text(&self.simd_target);
        raw
    }
}

/// How a session is made.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    numbers: SessionNumbers,
}

impl SessionOptions {
    pub(crate) fn raw(&self) -> rustml_session_options {
        self.numbers.raw()
    }
}

/// How an answer is made. The default is greedy, until the model stops or the context is full.
///
/// Filters apply in this order: logit bias; repetition, presence and frequency penalties; temperature; top-k; typical;
/// top-p; min-p; draw. The same seed, model and options give the same tokens.
///
/// ```
/// use std::time::Duration;
/// let options = rustml::GenerationOptions::new()
///     .max_tokens(200)
///     .temperature(0.8)
///     .top_p(0.95)
///     .seed(7)
///     .stop("\n\n")
///     .timeout(Duration::from_secs(20));
/// ```
#[derive(Clone, Debug, Default)]
pub struct GenerationOptions {
    numbers: GenerationNumbers,
    logit_bias: Vec<(i32, f32)>,
    stop_strings: Vec<String>,
    stop_ids: Vec<i32>,
    cancel: Option<CancelHandle>,
    limit: Option<Limit>,
    first_token: Option<Limit>,
    stall: Option<Duration>,
}
limits!(GenerationOptions);

impl GenerationOptions {
    /// Adds to a token's logit; negative infinity forbids the token. Once for each token.
    #[must_use]
    pub fn logit_bias(mut self, id: i32, bias: f32) -> Self {
        self.logit_bias.push((id, bias));
        self
    }

    /// Text that ends the answer and is not delivered. Once for each.
    #[must_use]
    pub fn stop(mut self, text: impl Into<String>) -> Self {
        self.stop_strings.push(text.into());
        self
    }

    pub(crate) fn cancel_handle(&self) -> Option<&CancelHandle> {
        self.cancel.as_ref()
    }

    pub(crate) fn raw(&self) -> RawGenerationOptions {
        let bias: Vec<_> =
            self.logit_bias.iter().map(|&(id, bias)| rustml_logit_bias { id, bias }).collect();
        let strings: Vec<_> = self.stop_strings.iter().map(|string| ffi::text(string)).collect();
        let mut raw = self.numbers.raw();
        (raw.logit_bias, raw.n_logit_bias) = (bias.as_ptr(), bias.len() as u64);
        (raw.stop_strings, raw.n_stop_strings) = (strings.as_ptr(), strings.len() as u64);
        (raw.stop_ids, raw.n_stop_ids) = (self.stop_ids.as_ptr(), self.stop_ids.len() as u64);
        raw.cancel = raw_cancel(&self.cancel);
        raw.deadline_ns = deadline_ns(self.limit);
        raw.first_token_deadline_ns = deadline_ns(self.first_token);
        raw.stall_timeout_ns = stall_ns(self.stall);
        RawGenerationOptions { options: raw, _bias: bias, _strings: strings }
    }
}

/// Points into the options it was made of and into its own arrays, which stay where they are when it moves.
pub(crate) struct RawGenerationOptions {
    pub options: rustml_generation_options,
    _bias: Vec<rustml_logit_bias>,
    _strings: Vec<rustml_text>,
}

/// How a beam search is made.
#[derive(Clone, Debug, Default)]
pub struct BeamOptions {
    numbers: BeamNumbers,
    stop_ids: Vec<i32>,
    cancel: Option<CancelHandle>,
    limit: Option<Limit>,
    first_token: Option<Limit>,
    stall: Option<Duration>,
}
limits!(BeamOptions);

impl BeamOptions {
    /// Points into `self`.
    pub(crate) fn raw(&self) -> rustml_beam_options {
        let mut raw = self.numbers.raw();
        (raw.stop_ids, raw.n_stop_ids) = (self.stop_ids.as_ptr(), self.stop_ids.len() as u64);
        raw.cancel = raw_cancel(&self.cancel);
        raw.deadline_ns = deadline_ns(self.limit);
        raw.first_token_deadline_ns = deadline_ns(self.first_token);
        raw.stall_timeout_ns = stall_ns(self.stall);
        raw
    }
}

/// How text becomes tokens. The default adds the tokens that the model's file says a text begins or ends with, as a text
/// prompt does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeOptions(u32);

impl Default for EncodeOptions {
    fn default() -> Self {
        Self(RUSTML_ENCODE_ADD_SPECIAL)
    }
}

impl EncodeOptions {
    /// As `default`.
    pub fn new() -> Self {
        Self::default()
    }

    fn flag(self, flag: u32, on: bool) -> Self {
        Self(if on { self.0 | flag } else { self.0 & !flag })
    }

    /// Add the tokens that the model's file says a text begins or ends with.
    #[must_use]
    pub fn add_special(self, on: bool) -> Self {
        self.flag(RUSTML_ENCODE_ADD_SPECIAL, on)
    }

    /// Text of special tokens becomes those tokens.
    #[must_use]
    pub fn parse_special(self, on: bool) -> Self {
        self.flag(RUSTML_ENCODE_PARSE_SPECIAL, on)
    }

    /// A byte without a token is an error instead of being dropped.
    #[must_use]
    pub fn strict(self, on: bool) -> Self {
        self.flag(RUSTML_ENCODE_STRICT, on)
    }

    pub(crate) fn raw(self) -> u32 {
        self.0
    }
}
