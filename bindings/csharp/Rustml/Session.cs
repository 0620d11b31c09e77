using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>
    /// One conversation: its tokens and what the model remembers of them. One call at a time, from any thread: a second one meanwhile
    /// fails with <see cref="Status.Busy"/>.
    /// </summary>
    /// <example><code>
    /// using var session = model.CreateSession();
    /// await foreach (var chunk in session.GenerateAsync(Prompt.Chat(ChatMessage.User("Hello!"))))
    ///     Console.Write(chunk.Text);
    /// </code></example>
    public sealed unsafe partial class Session : IDisposable
    {
        private readonly SessionHandle handle;

        internal Session(SessionHandle handle) => this.handle = handle;

        /// <summary>Appends tokens and evaluates them: all of them or, after any failure, none.</summary>
        public void Eval(IReadOnlyList<int> ids, IProgress<RustmlProgress>? progress = null, TimeSpan? timeout = null,
                         CancellationToken cancellationToken = default)
        {
            using var held = handle.Hold();
            using var arena = new Arena();
            using var call = new Call(cancellationToken, timeout, progress);
            IntPtr error;
            int* at = Numbers.Ids(arena, ids, out ulong n);
            call.Check(Native.rustml_session_eval(held.Value, at, n, call.Begin(), &error), error);
        }

        /// <inheritdoc cref="Eval"/>
        public Task EvalAsync(IReadOnlyList<int> ids, IProgress<RustmlProgress>? progress = null, TimeSpan? timeout = null,
                              CancellationToken cancellationToken = default) =>
            Background.Run(() => Eval(ids, progress, timeout, cancellationToken));

        /// <summary>The score of every token of the vocabulary to follow the session's tokens. Evaluates the last token if that has not
        /// been done, as after an answer.</summary>
        public float[] GetLogits(IProgress<RustmlProgress>? progress = null, TimeSpan? timeout = null,
                                 CancellationToken cancellationToken = default)
        {
            using var held = handle.Hold();
            using var call = new Call(cancellationToken, timeout, progress);
            IntPtr session = held.Value;
            return Views.Filled<float>((at, n, needed, error) => Native.rustml_session_logits(session, at, n, needed, call.Begin(), error),
                                       0, call);
        }

        /// <inheritdoc cref="GetLogits"/>
        public Task<float[]> GetLogitsAsync(IProgress<RustmlProgress>? progress = null, TimeSpan? timeout = null,
                                            CancellationToken cancellationToken = default) =>
            Background.Run(() => GetLogits(progress, timeout, cancellationToken));

        /// <summary>The session's tokens.</summary>
        public int[] GetTokens()
        {
            using var held = handle.Hold();
            IntPtr session = held.Value;
            return Views.Filled<int>((at, n, needed, error) => Native.rustml_session_tokens(session, at, n, needed, error), 256);
        }

        /// <summary>What it holds and takes; also while another thread's call runs on it: as it was when that began or, of an answer, at its
        /// last token.</summary>
        public SessionInfo GetInfo()
        {
            using var held = handle.Hold();
            rustml_session_info info;
            IntPtr error;
            info.struct_size = (uint)sizeof(rustml_session_info);
            Errors.Check(Native.rustml_session_get_info(held.Value, &info, &error), error);
            return new SessionInfo(info);
        }

        /// <summary>Back to an empty session.</summary>
        public void Reset()
        {
            using var held = handle.Hold();
            IntPtr error;
            Errors.Check(Native.rustml_session_reset(held.Value, &error), error);
        }

        /// <summary>Keeps the first <paramref name="tokens"/> tokens.</summary>
        public void Rewind(long tokens)
        {
            using var held = handle.Hold();
            IntPtr error;
            Errors.Check(Native.rustml_session_rewind(held.Value, Numbers.Count(tokens, 0, nameof(tokens)), &error), error);
        }

        /// <summary>An independent session with the same tokens.</summary>
        public Session Fork(CancellationToken cancellationToken = default)
        {
            using var held = handle.Hold();
            using var call = new Call(cancellationToken);
            IntPtr value, error;
            call.Check(Native.rustml_session_fork(held.Value, &value, call.Begin(), &error), error);
            return new Session(new SessionHandle(value));
        }

        /// <summary>Gives the session's memory back. A call that is still running on another thread ends first.</summary>
        public void Dispose() => handle.Dispose();
    }

    /// <summary>The state of a session.</summary>
    public sealed class SessionInfo
    {
        internal SessionInfo(in rustml_session_info from)
        {
            Position = (long)from.position;
            Capacity = (long)from.capacity;
            RewindFloor = (long)from.rewind_floor;
            KvBytesReserved = (long)from.kv_bytes_reserved;
            KvBytesUsed = (long)from.kv_bytes_used;
            KvType = (KvType)from.kv_type;
            IsGenerationOpen = from.generation_open != 0;
            IsPoisoned = from.poisoned != 0;
        }

        /// <summary>Tokens in the session, and how many it can hold.</summary>
        public long Position { get; }
        public long Capacity { get; }
        /// <summary>The smallest position that <see cref="Session.Rewind"/> accepts besides 0.</summary>
        public long RewindFloor { get; }
        public long KvBytesReserved { get; }
        public long KvBytesUsed { get; }
        public KvType KvType { get; }
        public bool IsGenerationOpen { get; }
        /// <summary>It failed internally: dispose of it.</summary>
        public bool IsPoisoned { get; }
    }
}
