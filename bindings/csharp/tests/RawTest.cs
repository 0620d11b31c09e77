using System;
using System.Runtime.InteropServices;
using Rustml.Interop;

// A console program: returns 0 when everything held. With RUSTML_EXPECT_REFUSAL, whose value the refusal has to contain, the library does not fit.
internal static unsafe class RawTest
{
    private static int failures, reads, destroyed;

    private static void Check(bool good, string what)
    {
        if (good) return;
        Console.WriteLine("FAILED: " + what);
        ++failures;
    }

    private static void Callback()
    {
        IntPtr mark = new IntPtr(unchecked((long)0xFEDCBA9876543210UL));
        Native.rustml_read_at readAt = (userData, offset, buf, n) =>
        {
            if (userData == mark) ++reads;
            return 7;
        };
        Native.rustml_destroy destroy = userData =>
        {
            if (userData == mark) ++destroyed;
        };
        rustml_reader reader;
        rustml_snapshot_info info = default(rustml_snapshot_info);
        IntPtr error;
        Native.rustml_reader_init(&reader, (uint)sizeof(rustml_reader));
        info.struct_size = (uint)sizeof(rustml_snapshot_info);
        reader.user_data = mark;
        reader.size = 1 << 20;
        reader.read_at = Marshal.GetFunctionPointerForDelegate(readAt);
        reader.destroy = Marshal.GetFunctionPointerForDelegate(destroy);
        Check(Native.rustml_snapshot_probe(&reader, &info, &error) == Native.RUSTML_CALLBACK_STOP, "the callback's answer stops the call");
        Check(Native.rustml_error_callback_value(error) == 7, "its value comes back");
        Check(reads == 1 && destroyed == 1, "one read, destroyed once");
        Check(Native.rustml_error_release(error) == Native.RUSTML_OK, "an error is released");
        Check(Native.rustml_error_release(error) == Native.RUSTML_INVALID_HANDLE, "and only once");
        GC.KeepAlive(readAt);
        GC.KeepAlive(destroy);
    }

    private static int Main()
    {
        string problem = NativeCheck.Problem();
        string words = Environment.GetEnvironmentVariable("RUSTML_EXPECT_REFUSAL");
        if (words != null)
        {
            Check(problem != null && problem.Contains(words), "refused in these words: " + words + ": " + problem);
            return failures;
        }
        Check(problem == null, problem);
        Check(Marshal.PtrToStringAnsi((IntPtr)Native.rustml_version()).Length > 0, "version");
        Check(Native.rustml_abi_version() == (Native.RUSTML_VERSION_MAJOR << 16 | Native.RUSTML_VERSION_MINOR), "ABI version");
        Check(Native.rustml_abi_layout_hash(999, 0) == 0, "a layout hash of an unknown version");
        Callback();
        return failures;
    }
}
