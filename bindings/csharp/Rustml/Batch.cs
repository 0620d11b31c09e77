using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>What a batch does after a chunk. Any other number ends all, as EndAll does.</summary>
    public enum BatchAction
    {
        GoOn = 0,
        /// <summary>Ends the sequence of that chunk.</summary>
        EndThis = Native.RUSTML_CALLBACK_STOP_ONE,
        /// <summary>Ends the whole batch with <see cref="Status.CallbackStop"/>.</summary>
        EndAll = 2,
    }

    /// <summary>One answer of a batch.</summary>
    public sealed class BatchAnswer
    {
        internal BatchAnswer(string text, int[] ids, GenerationResult result, string? error) =>
            (Text, TokenIds, Result, Error) = (text, ids, result, error);

        public string Text { get; }
        public IReadOnlyList<int> TokenIds { get; }
        public GenerationResult Result { get; }
        /// <summary>What went wrong with this one, if it failed.</summary>
        public string? Error { get; }

        /// <summary>This answer, or the exception that the same answer alone would have ended with.</summary>
        public BatchAnswer EnsureSuccess()
        {
            string message = Error ?? $"the answer ended with {Result.Status}";
            switch (Result.Status)
            {
                case Status.Ok: return this;
                case Status.Cancelled: throw new RustmlCanceledException(message, CancellationToken.None, Result);
                case Status.DeadlineExceeded: throw new RustmlTimeoutException(message, Result);
                default: throw new RustmlException(Result.Status, message, result: Result);
            }
        }

        public override string ToString() => Text;
    }

    /// <summary>One answer of a beam search.</summary>
    public sealed class Beam
    {
        internal unsafe Beam(rustml_event* from)
        {
            Text = Views.Text(from->text, from->text_len);
            TokenIds = Views.Ids(from->ids, from->n_ids);
            StopId = from->token_id < 0 ? (int?)null : from->token_id;
            Logprob = from->logprob;
            Score = from->score;
            Finish = (FinishReason)from->finish;
        }

        public string Text { get; }
        /// <summary>The tokens behind the prompt, without the stop token.</summary>
        public IReadOnlyList<int> TokenIds { get; }
        public int? StopId { get; }
        /// <summary>The sum over all its tokens.</summary>
        public float Logprob { get; }
        /// <summary>Logprob / length^LengthPenalty.</summary>
        public float Score { get; }
        public FinishReason Finish { get; }

        public override string ToString() => Text;
    }

    public sealed unsafe partial class Model
    {
        /// <summary>One answer for each prompt, several at once, each exactly what it would be alone.</summary>
        /// <param name="prompts">At most 16,384.</param>
        /// <param name="options">For all of them.</param>
        /// <param name="session">For the sessions made for them.</param>
        /// <param name="onChunk">Sees every chunk as it comes, on the calling thread. What it throws ends the batch and comes out of this call.</param>
        /// <param name="cancellationToken">Ends all; what they came to is in the answers, whose status is Cancelled.</param>
        public IReadOnlyList<BatchAnswer> GenerateBatch(IReadOnlyList<Prompt> prompts, GenerationOptions? options = null,
                                                        SessionOptions? session = null, Func<Chunk, BatchAction>? onChunk = null,
                                                        CancellationToken cancellationToken = default) =>
            GenerateBatch(prompts, Enumerable.Repeat(options, prompts.Count).ToArray(), session, onChunk, cancellationToken);

        /// <summary>The same with options for each prompt.</summary>
        public IReadOnlyList<BatchAnswer> GenerateBatch(IReadOnlyList<Prompt> prompts, IReadOnlyList<GenerationOptions?> options,
                                                        SessionOptions? session = null, Func<Chunk, BatchAction>? onChunk = null,
                                                        CancellationToken cancellationToken = default)
        {
            if (options.Count != prompts.Count) throw new ArgumentException($"{options.Count} options for {prompts.Count} prompts", nameof(options));
            using var held = handle.Hold();
            using var arena = new Arena();
            using var cancellation = Cancellation.Of(cancellationToken);
            int n = prompts.Count;
            rustml_prompt* wanted = arena.Array<rustml_prompt>(n);
            rustml_result* results = arena.Array<rustml_result>(n);
            var how = (rustml_generation_options**)arena.Array<IntPtr>(n);
            for (int i = 0; i < n; ++i)
            {
                prompts[i].Fill(wanted + i, arena);
                how[i] = (options[i] ?? new GenerationOptions()).Native(arena, cancellation?.Value ?? IntPtr.Zero);
                results[i].struct_size = (uint)sizeof(rustml_result);
            }
            var callback = new BatchCallback(n, onChunk);
            rustml_callback native;
            IntPtr error;
            rustml_session_options* sessions = (session ?? new SessionOptions()).Native(arena);
            callback.Fill(&native);
            int status = Native.rustml_generate_batch(held.Value, sessions, wanted, how, (ulong)n, &native, results, &error);
            if (status != Native.RUSTML_OK)
            {
                Exception failed = Errors.From(status, error, cancellationToken);
                callback.Rethrow();
                throw failed;
            }
            return Enumerable.Range(0, n).Select(i => callback.Answer(i, results[i])).ToArray();
        }

        /// <inheritdoc cref="GenerateBatch(IReadOnlyList{Prompt}, GenerationOptions, SessionOptions, Func{Chunk, BatchAction}, CancellationToken)"/>
        public Task<IReadOnlyList<BatchAnswer>> GenerateBatchAsync(IReadOnlyList<Prompt> prompts, GenerationOptions? options = null,
                                                                   SessionOptions? session = null, Func<Chunk, BatchAction>? onChunk = null,
                                                                   CancellationToken cancellationToken = default) =>
            Background.Run(() => GenerateBatch(prompts, options, session, onChunk, cancellationToken));

        private sealed class BatchCallback : Callback
        {
            private readonly StringBuilder[] texts;
            private readonly List<int>[] ids;
            private readonly string?[] errors;
            private readonly Func<Chunk, BatchAction>? onChunk;

            internal BatchCallback(int n, Func<Chunk, BatchAction>? onChunk)
            {
                texts = Enumerable.Range(0, n).Select(_ => new StringBuilder()).ToArray();
                ids = Enumerable.Range(0, n).Select(_ => new List<int>()).ToArray();
                errors = new string?[n];
                this.onChunk = onChunk;
            }

            protected override int Event(rustml_event* occurred)
            {
                int at = (int)occurred->sequence;
                switch (occurred->kind)
                {
                    case Native.RUSTML_EVENT_LOG:
                        errors[at] = Views.Text(occurred->text, occurred->text_len);
                        return 0;
                    case Native.RUSTML_EVENT_TOKEN:
                    case Native.RUSTML_EVENT_STOPPED:
                        var chunk = new Chunk(occurred, null);
                        texts[at].Append(chunk.Text);
                        if (!chunk.IsEnd) ids[at].Add(chunk.TokenId);
                        return onChunk == null ? 0 : (int)onChunk(chunk);
                    default:
                        return 0;
                }
            }

            internal BatchAnswer Answer(int i, in rustml_result result) =>
                new BatchAnswer(texts[i].ToString(), ids[i].ToArray(), new GenerationResult(result), errors[i]);
        }
    }

    public sealed unsafe partial class Session
    {
        /// <summary>The most probable answers instead of a sampled one, best first. The session then holds the best.</summary>
        public IReadOnlyList<Beam> BeamSearch(Prompt prompt, BeamOptions? options = null, CancellationToken cancellationToken = default)
        {
            using var held = handle.Hold();
            using var arena = new Arena();
            using var cancellation = Cancellation.Of(cancellationToken);
            rustml_prompt wanted;
            prompt.Fill(&wanted, arena);
            rustml_beam_options* how = (options ?? new BeamOptions()).Native(arena, cancellation?.Value ?? IntPtr.Zero);
            var callback = new BeamCallback(options?.Progress);
            rustml_callback native;
            rustml_result result;
            IntPtr error;
            result.struct_size = (uint)sizeof(rustml_result);
            callback.Fill(&native);
            int status = Native.rustml_beam_search(held.Value, &wanted, how, &native, &result, &error);
            if (status != Native.RUSTML_OK)
            {
                Exception failed = Errors.From(status, error, cancellationToken, new GenerationResult(result));
                callback.Rethrow();
                throw failed;
            }
            return callback.Beams;
        }

        /// <inheritdoc cref="BeamSearch"/>
        public Task<IReadOnlyList<Beam>> BeamSearchAsync(Prompt prompt, BeamOptions? options = null, CancellationToken cancellationToken = default) =>
            Background.Run(() => BeamSearch(prompt, options, cancellationToken));

        private sealed class BeamCallback : Callback
        {
            private readonly IProgress<RustmlProgress>? progress;

            internal BeamCallback(IProgress<RustmlProgress>? progress) => this.progress = progress;

            internal List<Beam> Beams { get; } = new List<Beam>();

            protected override int Event(rustml_event* occurred)
            {
                if (occurred->kind == Native.RUSTML_EVENT_BEAM) Beams.Add(new Beam(occurred));
                if (occurred->kind == Native.RUSTML_EVENT_PROGRESS) progress?.Report(new RustmlProgress((long)occurred->done, (long)occurred->total));
                return 0;
            }
        }
    }
}
