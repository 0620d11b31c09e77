using System;
using System.Collections.Generic;
using System.Text;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>Why an answer ended.</summary>
    public enum FinishReason
    {
        /// <summary>It has not.</summary>
        None = Native.RUSTML_FINISH_NONE,
        StopToken = Native.RUSTML_FINISH_STOP_TOKEN,
        StopString = Native.RUSTML_FINISH_STOP_STRING,
        /// <summary>MaxTokens was reached.</summary>
        Length = Native.RUSTML_FINISH_LENGTH,
        ContextFull = Native.RUSTML_FINISH_CONTEXT_FULL,
        Cancelled = Native.RUSTML_FINISH_CANCELLED,
        Deadline = Native.RUSTML_FINISH_DEADLINE,
        Callback = Native.RUSTML_FINISH_CALLBACK,
        /// <summary>It was left before its end.</summary>
        Closed = Native.RUSTML_FINISH_CLOSED,
        Error = Native.RUSTML_FINISH_ERROR,
    }

    /// <summary>Which time limit passed.</summary>
    public enum DeadlineKind
    {
        None = Native.RUSTML_DEADLINE_NONE,
        Total = Native.RUSTML_DEADLINE_TOTAL,
        FirstToken = Native.RUSTML_DEADLINE_FIRST_TOKEN,
        Stall = Native.RUSTML_DEADLINE_STALL,
        ByCancel = Native.RUSTML_DEADLINE_BY_CANCEL,
    }

    /// <summary>A token and the natural logarithm of its probability.</summary>
    public readonly struct TokenLogprob
    {
        internal TokenLogprob(int id, float logprob) => (Id, Logprob) = (id, logprob);

        public int Id { get; }
        public float Logprob { get; }
    }

    /// <summary>One sampled token of an answer, or its end.</summary>
    public sealed class Chunk
    {
        internal unsafe Chunk(rustml_event* from, GenerationResult? result)
        {
            IsEnd = from->kind == Native.RUSTML_EVENT_STOPPED;
            Sequence = (int)from->sequence;
            TokenId = from->token_id;
            Position = (long)from->position;
            Logprob = from->logprob;
            Text = Views.Text(from->text, from->text_len);
            Bytes = Views.Bytes(from->bytes, from->bytes_len);
            TopLogprobs = Views.Logprobs(from->top, from->n_top);
            Finish = (FinishReason)from->finish;
            Result = result;
        }

        /// <summary>New text, whole characters only: it may be empty and lags behind while a character or a stop string is undecided.</summary>
        public string Text { get; }

        /// <summary>The last chunk of an answer; its text is what was held back.</summary>
        public bool IsEnd { get; }

        /// <summary>The token, or at the end the stop token; -1: none.</summary>
        public int TokenId { get; }

        /// <summary>The token's own bytes, which may end inside a character.</summary>
        public ReadOnlyMemory<byte> Bytes { get; }

        /// <summary>Index of the token in the session.</summary>
        public long Position { get; }

        /// <summary>NaN unless <see cref="GenerationOptions.Logprobs"/> is set.</summary>
        public float Logprob { get; }

        /// <summary>The most probable tokens, best first, if asked for.</summary>
        public IReadOnlyList<TokenLogprob> TopLogprobs { get; }

        /// <summary>In batches the index of the prompt; else 0.</summary>
        public int Sequence { get; }

        /// <summary>At the end: why.</summary>
        public FinishReason Finish { get; }

        /// <summary>At the end: what the answer came to (null in batches, whose results come together).</summary>
        public GenerationResult? Result { get; }

        public override string ToString() => Text;
    }

    /// <summary>What an answer came to.</summary>
    public sealed class GenerationResult
    {
        internal GenerationResult(in rustml_result from)
        {
            Status = (Status)from.status;
            Finish = (FinishReason)from.finish;
            Deadline = (DeadlineKind)from.deadline;
            PromptTokens = (long)from.prompt_tokens;
            GeneratedTokens = (long)from.generated_tokens;
            TokensCommitted = (long)from.tokens_committed;
            PrefillTokensSkipped = (long)from.prefill_tokens_skipped;
            DroppedBytes = (long)from.dropped_bytes;
            FirstToken = TimeSpan.FromTicks((long)(from.first_token_seconds * TimeSpan.TicksPerSecond));
            Prefill = TimeSpan.FromTicks((long)(from.prefill_seconds * TimeSpan.TicksPerSecond));
            Decode = TimeSpan.FromTicks((long)(from.decode_seconds * TimeSpan.TicksPerSecond));
            PeakMemoryBytes = (long)from.peak_memory_bytes;
            DraftedTokens = (long)from.drafted_tokens;
            AcceptedTokens = (long)from.accepted_tokens;
        }

        public Status Status { get; }
        public FinishReason Finish { get; }
        /// <summary>The time limit that passed.</summary>
        public DeadlineKind Deadline { get; }
        public long PromptTokens { get; }
        public long GeneratedTokens { get; }
        /// <summary>Tokens now in the session.</summary>
        public long TokensCommitted { get; }
        /// <summary>Prompt tokens that the session held already.</summary>
        public long PrefillTokensSkipped { get; }
        /// <summary>Prompt bytes for which the vocabulary has no token.</summary>
        public long DroppedBytes { get; }
        /// <summary>From the start to the first token.</summary>
        public TimeSpan FirstToken { get; }
        public TimeSpan Prefill { get; }
        public TimeSpan Decode { get; }
        public long PeakMemoryBytes { get; }
        /// <summary>Guesses of <see cref="GenerationOptions.PromptLookup"/>, and those that came true.</summary>
        public long DraftedTokens { get; }
        public long AcceptedTokens { get; }
    }

    /// <summary>Copies of the library's views.</summary>
    internal static unsafe class Views
    {
        internal static string Text(byte* at, ulong n) => n == 0 ? "" : Encoding.UTF8.GetString(at, checked((int)n));

        internal static string Text(rustml_text text) => Text(text.ptr, text.len);

        internal static byte[] Bytes(byte* at, ulong n) => n == 0 ? Array.Empty<byte>() : new ReadOnlySpan<byte>(at, checked((int)n)).ToArray();

        internal static int[] Ids(int* at, ulong n) => n == 0 ? Array.Empty<int>() : new ReadOnlySpan<int>(at, checked((int)n)).ToArray();

        internal static TokenLogprob[] Logprobs(rustml_token_logprob* at, uint n)
        {
            if (n == 0) return Array.Empty<TokenLogprob>();
            var to = new TokenLogprob[n];
            for (int i = 0; i < to.Length; ++i) to[i] = new TokenLogprob(at[i].id, at[i].logprob);
            return to;
        }

        internal delegate int Filler<T>(T* at, ulong capacity, ulong* needed, IntPtr* error) where T : unmanaged;

        /// <summary>Calls until the buffer is large enough.</summary>
        internal static T[] Filled<T>(Filler<T> fill, int guess, Call? call = null) where T : unmanaged
        {
            for (var buffer = new T[guess];;)
            {
                ulong needed;
                IntPtr error;
                int status;
                fixed (T* at = buffer) status = fill(at, (ulong)buffer.Length, &needed, &error);
                if (status == Native.RUSTML_BUFFER_TOO_SMALL || (status == Native.RUSTML_OK && needed > (ulong)buffer.Length))
                { // a capacity of 0 asks for the size and returns OK
                    buffer = new T[checked((int)needed)];
                    continue;
                }
                if (call == null) Errors.Check(status, error);
                else call.Check(status, error);
                if ((int)needed != buffer.Length) Array.Resize(ref buffer, (int)needed);
                return buffer;
            }
        }
    }
}
