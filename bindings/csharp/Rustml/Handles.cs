using System;
using System.Runtime.InteropServices;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>Owns one reference to a native object: given back by Dispose, or by the collector if that was forgotten.</summary>
    internal abstract class NativeHandle : SafeHandle
    {
        protected NativeHandle(IntPtr value) : base(IntPtr.Zero, true) => SetHandle(value);

        public override bool IsInvalid => handle == IntPtr.Zero;

        /// <summary>Keeps the object alive until the result is disposed: `using var held = handle.Hold();`</summary>
        internal Held Hold() => new Held(this);

        internal abstract string Noun { get; }
    }

    /// <summary>One native call's hold on a handle: a Dispose on another thread meanwhile takes effect when the call has returned.</summary>
    internal readonly ref struct Held
    {
        private readonly NativeHandle owner;
        internal readonly IntPtr Value;

        internal Held(NativeHandle owner)
        {
            bool added = false;
            try
            {
                owner.DangerousAddRef(ref added);
            }
            catch (ObjectDisposedException)
            {
                throw new ObjectDisposedException(owner.Noun);
            }
            this.owner = owner;
            Value = owner.DangerousGetHandle();
        }

        public void Dispose() => owner.DangerousRelease();
    }

    internal sealed class ModelHandle : NativeHandle
    {
        internal ModelHandle(IntPtr value) : base(value) { }
        internal override string Noun => nameof(Model);
        protected override bool ReleaseHandle() => Native.rustml_model_release(handle) == Native.RUSTML_OK;
    }

    internal sealed class SessionHandle : NativeHandle
    {
        internal SessionHandle(IntPtr value) : base(value) { }
        internal override string Noun => nameof(Session);
        protected override bool ReleaseHandle() => Native.rustml_session_release(handle) == Native.RUSTML_OK;
    }

    internal sealed class GenerationHandle : NativeHandle
    {
        internal GenerationHandle(IntPtr value) : base(value) { }
        internal override string Noun => nameof(Generation);
        protected override bool ReleaseHandle() => Native.rustml_generation_release(handle) == Native.RUSTML_OK;
    }

    internal sealed class CancelHandle : NativeHandle
    {
        internal CancelHandle(IntPtr value) : base(value) { }
        internal override string Noun => nameof(CancelHandle);
        protected override bool ReleaseHandle() => Native.rustml_cancel_release(handle) == Native.RUSTML_OK;
    }
}
