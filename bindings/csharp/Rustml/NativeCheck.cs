#pragma warning disable 8603 // null where nothing is wrong
namespace Rustml.Interop
{
    /// <summary>Does the library that was loaded fit Native.generated.cs?</summary>
    internal static class NativeCheck
    {
        /// <summary>Why not, or null. To be asked before anything else is called.</summary>
        internal static string Problem()
        {
            string here = Native.LayoutProblem();
            if (here != null) return here + " is laid out differently on this system; Rustml needs a 64-bit process";
            uint major = Native.RUSTML_VERSION_MAJOR, minor = Native.RUSTML_VERSION_MINOR;
            ulong hash = Native.rustml_abi_layout_hash(major, minor);
            if (hash == Native.LayoutHash) return null;
            uint abi = Native.rustml_abi_version();
            string theirs = $"the librustml that was loaded has ABI {abi >> 16}.{abi & 0xFFFF}";
            return hash == 0
                ? $"{theirs} and does not know {major}.{minor}, which this assembly was made for; install a matching librustml"
                : $"{theirs} and another layout of {major}.{minor} (hash 0x{hash:x16}, this assembly was made for 0x{Native.LayoutHash:x16}); install a matching librustml";
        }
    }
}
