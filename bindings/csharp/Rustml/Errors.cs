using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>How a call ended. 0 to 16 equal the gRPC codes of the same name.</summary>
    public enum Status
    {
        Ok = Native.RUSTML_OK,
        /// <summary>The call was cancelled; raised as <see cref="RustmlCanceledException"/>.</summary>
        Cancelled = Native.RUSTML_CANCELLED,
        /// <summary>A bad option, text or id; the message names it and its range.</summary>
        InvalidArgument = Native.RUSTML_INVALID_ARGUMENT,
        /// <summary>A time limit passed; raised as <see cref="RustmlTimeoutException"/>.</summary>
        DeadlineExceeded = Native.RUSTML_DEADLINE_EXCEEDED,
        /// <summary>No such file.</summary>
        NotFound = Native.RUSTML_NOT_FOUND,
        /// <summary>The file may not be read.</summary>
        PermissionDenied = Native.RUSTML_PERMISSION_DENIED,
        /// <summary>Memory, a memory limit, the disk, or a published limit of a file format.</summary>
        ResourceExhausted = Native.RUSTML_RESOURCE_EXHAUSTED,
        /// <summary>A wrong pairing or order: the snapshot of another model, an answer is still open.</summary>
        FailedPrecondition = Native.RUSTML_FAILED_PRECONDITION,
        /// <summary>More tokens than the context holds, or a position that is not there.</summary>
        OutOfRange = Native.RUSTML_OUT_OF_RANGE,
        /// <summary>An architecture, type or option that is not supported; the message names it.</summary>
        Unimplemented = Native.RUSTML_UNIMPLEMENTED,
        /// <summary>The library's mistake: dispose of that session, others go on.</summary>
        Internal = Native.RUSTML_INTERNAL,
        Unavailable = Native.RUSTML_UNAVAILABLE,
        /// <summary>A file is truncated, corrupt or hostile.</summary>
        DataLoss = Native.RUSTML_DATA_LOSS,
        /// <summary>A second call on a session that is running.</summary>
        Busy = Native.RUSTML_BUSY,
        /// <summary>A released object; raised as <see cref="ObjectDisposedException"/>.</summary>
        InvalidHandle = Native.RUSTML_INVALID_HANDLE,
        /// <summary>The native library does not fit this assembly.</summary>
        AbiMismatch = Native.RUSTML_ABI_MISMATCH,
        /// <summary>The session failed internally before: dispose of it.</summary>
        Poisoned = Native.RUSTML_POISONED,
        /// <summary>The object was made before a fork and this is the child process.</summary>
        Forked = Native.RUSTML_FORKED,
        /// <summary>A callback asked to stop.</summary>
        CallbackStop = Native.RUSTML_CALLBACK_STOP,
    }

    /// <summary>The native library refused or failed.</summary>
    public class RustmlException : Exception
    {
        internal RustmlException(Status status, string message, string detailJson = "{}", int callbackValue = 0, GenerationResult? result = null)
            : base(message)
        {
            Status = status;
            DetailJson = detailJson;
            CallbackValue = callbackValue;
            Result = result;
        }

        public Status Status { get; }

        /// <summary>The same for machines, a JSON object: {"tensor": "blk.3.attn_k.weight", "want": […], "got": […]}.</summary>
        public string DetailJson { get; }

        /// <summary>What the callback answered, for <see cref="Status.CallbackStop"/>.</summary>
        public int CallbackValue { get; }

        /// <summary>What an answer had come to, if one had begun.</summary>
        public GenerationResult? Result { get; }
    }

    /// <summary>A <see cref="CancellationToken"/> stopped the call. The session is usable at once.</summary>
    public sealed class RustmlCanceledException : OperationCanceledException
    {
        internal RustmlCanceledException(string message, CancellationToken token, GenerationResult? result) : base(message, token) => Result = result;

        /// <summary>What an answer had come to, if one had begun.</summary>
        public GenerationResult? Result { get; }
    }

    /// <summary>One of the time limits passed. The session is usable at once.</summary>
    public sealed class RustmlTimeoutException : TimeoutException
    {
        internal RustmlTimeoutException(string message, GenerationResult? result) : base(message) => Result = result;

        /// <summary>What an answer had come to, if one had begun.</summary>
        public GenerationResult? Result { get; }
    }

    /// <summary>The native library was not found, or not one that can be loaded.</summary>
    public sealed class RustmlLibraryException : DllNotFoundException
    {
        internal RustmlLibraryException(string message, IReadOnlyList<string> tried) : base(message) => Tried = tried;

        /// <summary>Every place that was looked at, in this order, each with what was wrong there.</summary>
        public IReadOnlyList<string> Tried { get; }
    }

    internal static unsafe class Errors
    {
        /// <summary>Raises what a failed call said. Takes the error object.</summary>
        internal static void Check(int status, IntPtr error, CancellationToken token = default)
        {
            if (status != Native.RUSTML_OK) throw From(status, error, token);
        }

        internal static Exception From(int status, IntPtr error, CancellationToken token = default, GenerationResult? result = null)
        {
            string message = $"librustml answered status {status}", detail = "{}";
            int value = 0;
            if (error != IntPtr.Zero)
            {
                message = Marshal.PtrToStringUTF8((IntPtr)Native.rustml_error_message(error))!;
                detail = Marshal.PtrToStringUTF8((IntPtr)Native.rustml_error_detail_json(error))!;
                value = Native.rustml_error_callback_value(error);
                Native.rustml_error_release(error);
            }
            switch (status)
            {
                case Native.RUSTML_CANCELLED: return new RustmlCanceledException(message, token, result);
                case Native.RUSTML_DEADLINE_EXCEEDED: return new RustmlTimeoutException(message, result);
                case Native.RUSTML_INVALID_HANDLE: return new ObjectDisposedException(null, message);
                default: return new RustmlException((Status)status, message, detail, value, result);
            }
        }
    }
}
