using System;
using System.IO;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>
    /// Managed code that the library calls. What it throws is kept here, stops the native call, and is thrown again, with its own stack,
    /// by <see cref="Rethrow"/> after that. The library owns one GCHandle for each call and gives it back through destroy alone.
    /// </summary>
    internal abstract unsafe class Callback
    {
        // Held for ever: native code may hold their addresses as long as it likes.
        private static readonly Native.rustml_on_event onEvent = OnEvent;
        private static readonly Native.rustml_read_at onRead = OnRead;
        private static readonly Native.rustml_write onWrite = OnWrite;
        private static readonly Native.rustml_destroy onDestroy = OnDestroy;
        private static readonly IntPtr onEventAddress = Marshal.GetFunctionPointerForDelegate(onEvent);
        private static readonly IntPtr onReadAddress = Marshal.GetFunctionPointerForDelegate(onRead);
        private static readonly IntPtr onWriteAddress = Marshal.GetFunctionPointerForDelegate(onWrite);
        private static readonly IntPtr onDestroyAddress = Marshal.GetFunctionPointerForDelegate(onDestroy);
        private const int Threw = -1;

        private ExceptionDispatchInfo? thrown;

        protected virtual int Event(rustml_event* occurred) => 0;
        protected virtual void Read(long offset, Span<byte> into) { }
        protected virtual void Write(ReadOnlySpan<byte> data) { }

        /// <summary>Throws what the managed code threw during the call, if it did.</summary>
        internal void Rethrow() => thrown?.Throw();

        // Each is filled immediately before the one call that gets it: that call destroys what is made here.
        internal void Fill(rustml_callback* native)
        {
            Native.rustml_callback_init(native, (uint)sizeof(rustml_callback));
            native->on_event = onEventAddress;
            native->destroy = onDestroyAddress;
            native->user_data = GCHandle.ToIntPtr(GCHandle.Alloc(this));
        }

        internal void Fill(rustml_reader* native, long size)
        {
            Native.rustml_reader_init(native, (uint)sizeof(rustml_reader));
            native->size = (ulong)size;
            native->read_at = onReadAddress;
            native->destroy = onDestroyAddress;
            native->user_data = GCHandle.ToIntPtr(GCHandle.Alloc(this));
        }

        internal void Fill(rustml_sink* native)
        {
            Native.rustml_sink_init(native, (uint)sizeof(rustml_sink));
            native->write = onWriteAddress;
            native->destroy = onDestroyAddress;
            native->user_data = GCHandle.ToIntPtr(GCHandle.Alloc(this));
        }

        private static Callback Of(IntPtr userData) => (Callback)GCHandle.FromIntPtr(userData).Target!;

        private int Caught(Exception what)
        {
            thrown ??= ExceptionDispatchInfo.Capture(what);
            return Threw;
        }

        private static int OnEvent(IntPtr userData, rustml_event* occurred)
        {
            Callback self = Of(userData);
            try
            {
                return self.Event(occurred);
            }
            catch (Exception what)
            {
                return self.Caught(what);
            }
        }

        private static int OnRead(IntPtr userData, ulong offset, void* buf, ulong len)
        {
            Callback self = Of(userData);
            try
            {
                const int most = 1 << 30; // a span counts in int
                for (ulong done = 0; done < len;)
                {
                    int part = (int)Math.Min(len - done, most);
                    self.Read((long)(offset + done), new Span<byte>((byte*)buf + done, part));
                    done += (ulong)part;
                }
                return 0;
            }
            catch (Exception what)
            {
                return self.Caught(what);
            }
        }

        private static int OnWrite(IntPtr userData, void* data, ulong len)
        {
            Callback self = Of(userData);
            try
            {
                const int most = 1 << 30;
                for (ulong done = 0; done < len;)
                {
                    int part = (int)Math.Min(len - done, most);
                    self.Write(new ReadOnlySpan<byte>((byte*)data + done, part));
                    done += (ulong)part;
                }
                return 0;
            }
            catch (Exception what)
            {
                return self.Caught(what);
            }
        }

        private static void OnDestroy(IntPtr userData) => GCHandle.FromIntPtr(userData).Free();
    }

    /// <summary>PROGRESS events of a long call.</summary>
    internal sealed unsafe class ProgressCallback : Callback
    {
        private readonly IProgress<RustmlProgress> progress;

        internal ProgressCallback(IProgress<RustmlProgress> progress) => this.progress = progress;

        protected override int Event(rustml_event* occurred)
        {
            progress.Report(new RustmlProgress((long)occurred->done, (long)occurred->total));
            return 0;
        }
    }

    /// <summary>A stream as a reader of what it holds from its present position on, or as a sink.</summary>
    internal sealed class StreamCallback : Callback
    {
        private readonly Stream stream;
        private readonly long start;

        internal StreamCallback(Stream stream)
        {
            this.stream = stream ?? throw new ArgumentNullException(nameof(stream));
            start = stream.CanSeek ? stream.Position : 0;
        }

        /// <summary>A reader needs to seek: what cannot is read into memory first.</summary>
        internal static StreamCallback Reader(Stream stream, out long size)
        {
            if (stream == null) throw new ArgumentNullException(nameof(stream));
            if (!stream.CanSeek)
            {
                var copy = new MemoryStream();
                stream.CopyTo(copy);
                copy.Position = 0;
                stream = copy;
            }
            size = Math.Max(0, stream.Length - stream.Position);
            return new StreamCallback(stream);
        }

        protected override void Read(long offset, Span<byte> into)
        {
            stream.Position = start + offset;
            while (into.Length > 0)
            {
                int n = stream.Read(into);
                if (n <= 0) throw new EndOfStreamException("the stream ended before its Length");
                into = into.Slice(n);
            }
        }

        protected override void Write(ReadOnlySpan<byte> data) => stream.Write(data);
    }
}
