using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>Native memory for the arguments of one call.</summary>
    internal sealed unsafe class Arena : IDisposable
    {
        private static readonly UTF8Encoding utf8 = new UTF8Encoding(false, true); // a lone surrogate is the caller's mistake
        private readonly List<IntPtr> blocks = new List<IntPtr>();

        /// <summary>Zeroed; NULL for no elements.</summary>
        internal T* Array<T>(int n) where T : unmanaged
        {
            if (n == 0) return null;
            IntPtr block = Marshal.AllocHGlobal(checked(n * sizeof(T)));
            blocks.Add(block);
            new Span<byte>((void*)block, n * sizeof(T)).Clear();
            return (T*)block;
        }

        internal T* One<T>() where T : unmanaged => Array<T>(1);

        internal T* Copy<T>(ReadOnlySpan<T> values) where T : unmanaged
        {
            T* at = Array<T>(values.Length);
            values.CopyTo(new Span<T>(at, values.Length));
            return at;
        }

        internal rustml_text Text(string? text)
        {
            int n = string.IsNullOrEmpty(text) ? 0 : utf8.GetByteCount(text);
            byte* at = Array<byte>(n);
            if (n > 0) utf8.GetBytes(text, new Span<byte>(at, n));
            return new rustml_text { ptr = at, len = (ulong)n };
        }

        internal rustml_text Path(string path, string parameter) => Text(path ?? throw new ArgumentNullException(parameter));

        public void Dispose()
        {
            foreach (IntPtr block in blocks) Marshal.FreeHGlobal(block);
            blocks.Clear();
        }
    }

    /// <summary>A cancellation token's arm inside the library.</summary>
    internal sealed unsafe class Cancellation : IDisposable
    {
        private readonly CancelHandle handle;
        private readonly CancellationTokenRegistration registration;

        private Cancellation(CancellationToken token)
        {
            IntPtr value, error;
            Errors.Check(Native.rustml_cancel_create(&value, &error), error);
            handle = new CancelHandle(value);
            Value = value;
            // By value: the library refuses a released handle with a status; a SafeHandle would throw in the token's Cancel.
            registration = token.Register(state => Native.rustml_cancel_trigger((IntPtr)state!, Native.RUSTML_CANCEL_REASON_USER), value, false);
        }

        internal IntPtr Value { get; }

        /// <summary>Null for a token that is never cancelled.</summary>
        internal static Cancellation? Of(CancellationToken token) => token.CanBeCanceled ? new Cancellation(token) : null;

        public void Dispose()
        {
            registration.Dispose();
            handle.Dispose();
        }
    }

    /// <summary>The rustml_call_options of one long call.</summary>
    internal sealed unsafe class Call : IDisposable
    {
        private readonly Arena arena = new Arena();
        private readonly CancellationToken token;
        private readonly Cancellation? cancellation;
        private readonly ProgressCallback? progress;

        internal Call(CancellationToken token, TimeSpan? timeout = null, IProgress<RustmlProgress>? progress = null)
        {
            this.token = token;
            cancellation = Cancellation.Of(token);
            if (progress != null) this.progress = new ProgressCallback(progress);
            Options = arena.One<rustml_call_options>();
            Native.rustml_call_options_init(Options, (uint)sizeof(rustml_call_options));
            Options->cancel = cancellation?.Value ?? IntPtr.Zero;
            Options->deadline_ns = Deadline(timeout);
        }

        private rustml_call_options* Options { get; }

        /// <summary>The native call's argument: to be asked for anew for each call, which gives the progress callback back.</summary>
        internal rustml_call_options* Begin()
        {
            if (progress == null) return Options;
            rustml_callback* native = arena.One<rustml_callback>();
            progress.Fill(native);
            Options->progress = native;
            return Options;
        }

        internal void Check(int status, IntPtr error, Callback? callback = null)
        {
            if (status == Native.RUSTML_OK) return;
            Exception failed = Errors.From(status, error, token);
            callback?.Rethrow();
            progress?.Rethrow();
            throw failed;
        }

        /// <summary>0: none. Infinite is none, zero and below are already past.</summary>
        internal static ulong Deadline(TimeSpan? timeout)
        {
            if (timeout == null || timeout == Timeout.InfiniteTimeSpan) return 0;
            return Native.rustml_deadline_after_ns(Nanoseconds(timeout.Value));
        }

        internal static long Nanoseconds(TimeSpan span) => span.Ticks > long.MaxValue / 100 ? long.MaxValue : Math.Max(span.Ticks, -1) * 100;

        public void Dispose()
        {
            cancellation?.Dispose();
            arena.Dispose();
        }
    }
}
