//! What is known about a model and its tokens.
use crate::{ffi, snapshot::Fingerprint};
use rustml_sys::{rustml_model_info, rustml_text};

/// Shape, memory and names of a model. Sizes are bytes unless named otherwise.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(missing_docs)] // the names say it
pub struct ModelInfo {
    pub architecture: String,
    pub name: String,
    pub n_threads: i32,
    pub n_layers: u32,
    pub n_heads: u32,
    pub n_kv_heads: u32,
    pub head_dim: u32,
    pub hidden_dim: u32,
    pub ffn_dim: u32,
    pub vocab_size: u32,
    /// Tokens that the model was trained for.
    pub context_length: u32,
    pub n_parameters: u64,
    /// Packed weights in memory.
    pub weight_bytes: u64,
    /// The library's own accounting: weights, scratch, KV of all sessions.
    pub bytes_now: u64,
    /// The most that `bytes_now` ever was.
    pub bytes_peak: u64,
    /// Says which weights these are; snapshots carry it.
    pub fingerprint: Fingerprint,
    pub n_tensors: u32,
    pub n_fused_qkv: u32,
    pub n_fused_gate_up: u32,
    pub n_quantized: u32,
    pub bos_id: Option<i32>,
    pub eos_id: Option<i32>,
    pub has_chat_template: bool,
    pub n_sessions: u32,
    pub simd_target: String,
}

impl ModelInfo {
    /// # Safety
    /// The texts are readable.
    pub(crate) unsafe fn copy(raw: &rustml_model_info) -> Self {
        let text = |text: rustml_text| ffi::string(text.ptr, text.len);
        let id = |id: i32| (id >= 0).then_some(id);
        Self {
            architecture: text(raw.architecture),
            name: text(raw.name),
            n_threads: raw.n_threads,
            n_layers: raw.n_layers,
            n_heads: raw.n_heads,
            n_kv_heads: raw.n_kv_heads,
            head_dim: raw.head_dim,
            hidden_dim: raw.hidden_dim,
            ffn_dim: raw.ffn_dim,
            vocab_size: raw.vocab_size,
            context_length: raw.context_length,
            n_parameters: raw.n_parameters,
            weight_bytes: raw.weight_bytes,
            bytes_now: raw.bytes_now,
            bytes_peak: raw.bytes_peak,
            fingerprint: Fingerprint::new(raw.fingerprint_low, raw.fingerprint_high),
            n_tensors: raw.n_tensors,
            n_fused_qkv: raw.n_fused_qkv,
            n_fused_gate_up: raw.n_fused_gate_up,
            n_quantized: raw.n_quantized,
            bos_id: id(raw.bos_id),
            eos_id: id(raw.eos_id),
            has_chat_template: raw.has_chat_template != 0,
            n_sessions: raw.n_sessions,
            simd_target: text(raw.simd_target),
        }
    }
}

/// What a model and one session would take, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // the names say it
pub struct MemoryPlan {
    pub file_bytes: u64,
    pub weight_bytes: u64,
    pub scratch_bytes: u64,
    /// Of a full context.
    pub kv_bytes: u64,
    pub total_bytes: u64,
    /// The context that `kv_bytes` are for.
    pub context_tokens: u64,
}

/// What kind of token it is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TokenInfo {
    /// Control or user-defined, matched only as a whole.
    pub special: bool,
    /// Stands for one raw byte.
    pub byte: bool,
    /// Stands for what the vocabulary does not know.
    pub unknown: bool,
    /// Ends an answer unless `ignore_eos` is set.
    pub stop: bool,
    /// SentencePiece's score; 0 otherwise.
    pub score: f32,
}
