using System;
using System.Collections.Generic;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>What becomes of the weights at load.</summary>
    public enum Quantization
    {
        /// <summary>SafeTensors: Q8_0; GGUF: as in the file.</summary>
        Auto = Native.RUSTML_QUANTIZE_AUTO,
        Keep = Native.RUSTML_QUANTIZE_KEEP,
        Q8_0 = Native.RUSTML_QUANTIZE_Q8_0,
        Q4_0 = Native.RUSTML_QUANTIZE_Q4_0,
    }

    /// <summary>The type of the matrices that <see cref="Model.Quantize"/> writes.</summary>
    public enum TensorType
    {
        F32 = Native.RUSTML_TYPE_F32,
        F16 = Native.RUSTML_TYPE_F16,
        BF16 = Native.RUSTML_TYPE_BF16,
        Q8_0 = Native.RUSTML_TYPE_Q8_0,
        Q5_1 = Native.RUSTML_TYPE_Q5_1,
        Q5_0 = Native.RUSTML_TYPE_Q5_0,
        Q4_1 = Native.RUSTML_TYPE_Q4_1,
        Q4_0 = Native.RUSTML_TYPE_Q4_0,
    }

    /// <summary>The type of a session's memory of its tokens.</summary>
    public enum KvType
    {
        F32 = Native.RUSTML_KV_F32,
        F16 = Native.RUSTML_KV_F16,
        Q8_0 = Native.RUSTML_KV_Q8_0,
    }

    /// <summary>What a stopped answer leaves in its session.</summary>
    public enum OnStop
    {
        /// <summary>The prompt and the tokens so far.</summary>
        Keep = Native.RUSTML_ON_STOP_KEEP,
        /// <summary>What was there before.</summary>
        Rollback = Native.RUSTML_ON_STOP_ROLLBACK,
    }

    /// <summary>When a beam search is over.</summary>
    public enum EarlyStopping
    {
        Heuristic = Native.RUSTML_EARLY_STOPPING_HEURISTIC,
        First = Native.RUSTML_EARLY_STOPPING_FIRST,
        Never = Native.RUSTML_EARLY_STOPPING_NEVER,
    }

    /// <summary>How a model is loaded. Null means the library's default, here and in the other options.</summary>
    public sealed class ModelOptions
    {
        /// <summary>Default: the physical cores this process may use.</summary>
        public int? Threads { get; set; }
        public Quantization? Quantization { get; set; }
        /// <summary>Layers whose longer side is at least this are quantized; default 512.</summary>
        public int? QuantizeMinDim { get; set; }
        /// <summary>Run one token at load, so that the first answer is as fast as the next; default true.</summary>
        public bool? Warmup { get; set; }
        /// <summary>Refuse weights that are NaN or infinite; default false.</summary>
        public bool? CheckTensors { get; set; }
        /// <summary>Of weights, scratch and all sessions together; default none.</summary>
        public long? MemoryLimitBytes { get; set; }
        /// <summary>One of the "simd_targets" of <see cref="Library.BuildJson"/>; default the best.</summary>
        public string? SimdTarget { get; set; }
        /// <summary>For the load itself; default none.</summary>
        public TimeSpan? Timeout { get; set; }

        internal unsafe rustml_model_options* Native(Arena arena)
        {
            var to = arena.One<rustml_model_options>();
            Interop.Native.rustml_model_options_init(to, (uint)sizeof(rustml_model_options));
            to->n_threads = Threads ?? to->n_threads;
            to->quantize = (int?)Quantization ?? to->quantize;
            to->quantize_min_dim = (uint?)QuantizeMinDim ?? to->quantize_min_dim;
            to->warmup = Numbers.Flag(Warmup, to->warmup);
            to->check_tensors = Numbers.Flag(CheckTensors, to->check_tensors);
            to->memory_limit_bytes = Numbers.Count(MemoryLimitBytes, to->memory_limit_bytes, nameof(MemoryLimitBytes));
            to->simd_target = arena.Text(SimdTarget);
            return to;
        }
    }

    /// <summary>How a session is made.</summary>
    public sealed class SessionOptions
    {
        /// <summary>Default: F16.</summary>
        public KvType? KvType { get; set; }
        /// <summary>Default: the smaller of the model's and 8192.</summary>
        public long? ContextTokens { get; set; }
        public long? MemoryLimitBytes { get; set; }
        /// <summary>Prompt tokens in one pass; the results do not depend on it.</summary>
        public int? PrefillChunk { get; set; }

        internal unsafe rustml_session_options* Native(Arena arena)
        {
            var to = arena.One<rustml_session_options>();
            Interop.Native.rustml_session_options_init(to, (uint)sizeof(rustml_session_options));
            to->kv_type = (int?)KvType ?? to->kv_type;
            to->context_tokens = Numbers.Count(ContextTokens, to->context_tokens, nameof(ContextTokens));
            to->memory_limit_bytes = Numbers.Count(MemoryLimitBytes, to->memory_limit_bytes, nameof(MemoryLimitBytes));
            to->prefill_chunk = (uint?)PrefillChunk ?? to->prefill_chunk;
            return to;
        }
    }

    /// <summary>
    /// How an answer is made. Order: logit bias, repetition, presence and frequency penalties, temperature, top-k, typical, top-p, min-p.
    /// </summary>
    public sealed class GenerationOptions
    {
        /// <summary>Default: until the context is full.</summary>
        public long? MaxTokens { get; set; }
        /// <summary>Same seed, model and options: same tokens. Default 0.</summary>
        public ulong? Seed { get; set; }
        /// <summary>0, the default: always the most probable token.</summary>
        public float? Temperature { get; set; }
        public int? TopK { get; set; }
        public float? TopP { get; set; }
        public float? MinP { get; set; }
        public float? TypicalP { get; set; }
        public float? RepetitionPenalty { get; set; }
        public float? PresencePenalty { get; set; }
        public float? FrequencyPenalty { get; set; }
        /// <summary>Penalties look at this many last tokens; default all.</summary>
        public int? RepetitionWindow { get; set; }
        /// <summary>This many of the most probable tokens with each chunk, and the probability of its own; default none.</summary>
        public int? Logprobs { get; set; }
        /// <summary>Added to the logits of these token ids; negative infinity forbids one.</summary>
        public IReadOnlyDictionary<int, float>? LogitBias { get; set; }
        /// <summary>Texts that end the answer; they are not delivered.</summary>
        public IReadOnlyList<string>? StopStrings { get; set; }
        /// <summary>Tokens that end the answer, besides the model's own.</summary>
        public IReadOnlyList<int>? StopIds { get; set; }
        /// <summary>The model's own stop tokens are ordinary tokens.</summary>
        public bool? IgnoreEos { get; set; }
        public OnStop? OnStop { get; set; }
        /// <summary>Guess up to this many tokens (16 at most) from what occurred before: the same answer, sooner where it repeats its prompt.</summary>
        public int? PromptLookup { get; set; }
        /// <summary>For the whole answer.</summary>
        public TimeSpan? Timeout { get; set; }
        /// <summary>Until the first token.</summary>
        public TimeSpan? FirstTokenTimeout { get; set; }
        /// <summary>The longest time without progress.</summary>
        public TimeSpan? StallTimeout { get; set; }
        /// <summary>Told how much of the prompt is read, on the thread that reads it.</summary>
        public IProgress<RustmlProgress>? PrefillProgress { get; set; }

        internal unsafe rustml_generation_options* Native(Arena arena, IntPtr cancel)
        {
            var to = arena.One<rustml_generation_options>();
            Interop.Native.rustml_generation_options_init(to, (uint)sizeof(rustml_generation_options));
            to->max_tokens = Numbers.Count(MaxTokens, to->max_tokens, nameof(MaxTokens));
            to->seed = Seed ?? to->seed;
            to->temperature = Temperature ?? to->temperature;
            to->top_k = TopK ?? to->top_k;
            to->top_p = TopP ?? to->top_p;
            to->min_p = MinP ?? to->min_p;
            to->typical_p = TypicalP ?? to->typical_p;
            to->repetition_penalty = RepetitionPenalty ?? to->repetition_penalty;
            to->presence_penalty = PresencePenalty ?? to->presence_penalty;
            to->frequency_penalty = FrequencyPenalty ?? to->frequency_penalty;
            to->repetition_window = (uint?)RepetitionWindow ?? to->repetition_window;
            to->logprobs = (uint?)Logprobs ?? to->logprobs;
            if (LogitBias != null)
            {
                to->logit_bias = arena.Array<rustml_logit_bias>(LogitBias.Count);
                foreach (var one in LogitBias) to->logit_bias[to->n_logit_bias++] = new rustml_logit_bias { id = one.Key, bias = one.Value };
            }
            if (StopStrings != null)
            {
                to->stop_strings = arena.Array<rustml_text>(StopStrings.Count);
                foreach (string one in StopStrings) to->stop_strings[to->n_stop_strings++] = arena.Text(one);
            }
            to->stop_ids = Numbers.Ids(arena, StopIds, out to->n_stop_ids);
            to->ignore_eos = Numbers.Flag(IgnoreEos, to->ignore_eos);
            to->on_stop = (int?)OnStop ?? to->on_stop;
            to->prompt_lookup = (uint?)PromptLookup ?? to->prompt_lookup;
            to->prefill_events = PrefillProgress != null ? 1u : 0u;
            to->cancel = cancel;
            to->deadline_ns = Call.Deadline(Timeout);
            to->first_token_deadline_ns = Call.Deadline(FirstTokenTimeout);
            to->stall_timeout_ns = Numbers.Duration(StallTimeout);
            return to;
        }
    }

    /// <summary>How a beam search is made.</summary>
    public sealed class BeamOptions
    {
        /// <summary>Beams followed together, 1 to 64; default 4.</summary>
        public int? Width { get; set; }
        /// <summary>Answers delivered; default 1.</summary>
        public int? NBest { get; set; }
        /// <summary>Above 0 favours longer answers; default 1.</summary>
        public float? LengthPenalty { get; set; }
        public EarlyStopping? EarlyStopping { get; set; }
        /// <summary>Default: until the context is full.</summary>
        public long? MaxTokens { get; set; }
        public IReadOnlyList<int>? StopIds { get; set; }
        public bool? IgnoreEos { get; set; }
        public OnStop? OnStop { get; set; }
        public TimeSpan? Timeout { get; set; }
        public TimeSpan? FirstTokenTimeout { get; set; }
        public TimeSpan? StallTimeout { get; set; }
        /// <summary>Told after every step how many tokens are done.</summary>
        public IProgress<RustmlProgress>? Progress { get; set; }

        internal unsafe rustml_beam_options* Native(Arena arena, IntPtr cancel)
        {
            var to = arena.One<rustml_beam_options>();
            Interop.Native.rustml_beam_options_init(to, (uint)sizeof(rustml_beam_options));
            to->width = (uint?)Width ?? to->width;
            to->n_best = (uint?)NBest ?? to->n_best;
            to->length_penalty = LengthPenalty ?? to->length_penalty;
            to->early_stopping = (int?)EarlyStopping ?? to->early_stopping;
            to->max_tokens = Numbers.Count(MaxTokens, to->max_tokens, nameof(MaxTokens));
            to->stop_ids = Numbers.Ids(arena, StopIds, out to->n_stop_ids);
            to->ignore_eos = Numbers.Flag(IgnoreEos, to->ignore_eos);
            to->on_stop = (int?)OnStop ?? to->on_stop;
            to->progress_events = Progress != null ? 1u : 0u;
            to->cancel = cancel;
            to->deadline_ns = Call.Deadline(Timeout);
            to->first_token_deadline_ns = Call.Deadline(FirstTokenTimeout);
            to->stall_timeout_ns = Numbers.Duration(StallTimeout);
            return to;
        }
    }

    internal static class Numbers
    {
        internal static ulong Count(long? value, ulong otherwise, string name)
        {
            if (value < 0) throw new ArgumentOutOfRangeException(name, value, "a count is not negative");
            return value == null ? otherwise : (ulong)value.Value;
        }

        internal static uint Flag(bool? value, uint otherwise) => value == null ? otherwise : value.Value ? 1u : 0u;

        internal static ulong Duration(TimeSpan? span) =>
            span == null || span == System.Threading.Timeout.InfiniteTimeSpan ? 0 : (ulong)Math.Max(1, Call.Nanoseconds(span.Value));

        internal static unsafe int* Ids(Arena arena, IReadOnlyList<int>? ids, out ulong n)
        {
            n = (ulong)(ids?.Count ?? 0);
            int* at = arena.Array<int>((int)n);
            for (int i = 0; i < (int)n; ++i) at[i] = ids![i];
            return at;
        }
    }
}
