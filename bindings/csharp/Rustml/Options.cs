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
    public sealed partial class ModelOptions
    {
        /// <summary>One of the "simd_targets" of <see cref="Library.BuildJson"/>; default the best.</summary>
        public string? SimdTarget { get; set; }
        /// <summary>For the load itself; default none.</summary>
        public TimeSpan? Timeout { get; set; }

        internal unsafe rustml_model_options* Native(Arena arena)
        {
            var to = arena.One<rustml_model_options>();
            Interop.Native.rustml_model_options_init(to, (uint)sizeof(rustml_model_options));
            SetNumbers(to);
            to->simd_target = arena.Text(SimdTarget);
            return to;
        }
    }

    /// <summary>How a session is made.</summary>
    public sealed partial class SessionOptions
    {
        internal unsafe rustml_session_options* Native(Arena arena)
        {
            var to = arena.One<rustml_session_options>();
            Interop.Native.rustml_session_options_init(to, (uint)sizeof(rustml_session_options));
            SetNumbers(to);
            return to;
        }
    }

    /// <summary>
    /// How an answer is made. Order: logit bias, repetition, presence and frequency penalties, temperature, top-k, typical, top-p, min-p.
    /// </summary>
    public sealed partial class GenerationOptions
    {
        /// <summary>Added to the logits of these token ids; negative infinity forbids one.</summary>
        public IReadOnlyDictionary<int, float>? LogitBias { get; set; }
        /// <summary>Texts that end the answer; they are not delivered.</summary>
        public IReadOnlyList<string>? StopStrings { get; set; }
        /// <summary>Tokens that end the answer, besides the model's own.</summary>
        public IReadOnlyList<int>? StopIds { get; set; }
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
            SetNumbers(to);
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
            to->prefill_events = PrefillProgress != null ? 1u : 0u;
            to->cancel = cancel;
            to->deadline_ns = Call.Deadline(Timeout);
            to->first_token_deadline_ns = Call.Deadline(FirstTokenTimeout);
            to->stall_timeout_ns = Numbers.Duration(StallTimeout);
            return to;
        }
    }

    /// <summary>How a beam search is made.</summary>
    public sealed partial class BeamOptions
    {
        public IReadOnlyList<int>? StopIds { get; set; }
        public TimeSpan? Timeout { get; set; }
        public TimeSpan? FirstTokenTimeout { get; set; }
        public TimeSpan? StallTimeout { get; set; }
        /// <summary>Told after every step how many tokens are done.</summary>
        public IProgress<RustmlProgress>? Progress { get; set; }

        internal unsafe rustml_beam_options* Native(Arena arena, IntPtr cancel)
        {
            var to = arena.One<rustml_beam_options>();
            Interop.Native.rustml_beam_options_init(to, (uint)sizeof(rustml_beam_options));
            SetNumbers(to);
            to->stop_ids = Numbers.Ids(arena, StopIds, out to->n_stop_ids);
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
