using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>
    /// Finds the native library: RUSTML_LIBRARY, then beside this assembly and the program, also in NuGet's runtimes/RID/native, then what
    /// the runtime and the system search. netstandard 2.1 has no NativeLibrary, but every .NET since Core 3.0 does: it is used by
    /// reflection. Where it is absent (Mono, Unity) the runtime's own search is all there is.
    /// </summary>
    internal static class Loader
    {
        private static readonly Lazy<Exception?> problem = new Lazy<Exception?>(Prepare);
        private static readonly List<string> tried = new List<string>();
        private static IntPtr loaded;

        /// <summary>The file that was loaded, or null.</summary>
        internal static string? Found { get; private set; }

        /// <summary>Before any native call of a type that needs no handle.</summary>
        internal static void Ready()
        {
            switch (problem.Value)
            {
                case null: return;
                case RustmlLibraryException absent: throw new RustmlLibraryException(absent.Message, absent.Tried); // with this caller's stack
                case RustmlException other: throw new RustmlException(other.Status, other.Message);
                case Exception what: throw what;
            }
        }

        private static Exception? Prepare()
        {
            try
            {
                Type? library = Type.GetType("System.Runtime.InteropServices.NativeLibrary, System.Runtime.InteropServices");
                if (library != null) Load(library);
                string? layout = NativeCheck.Problem();
                return layout == null ? null : new RustmlException(Status.AbiMismatch, $"{layout} ({Found ?? "found by the system"})");
            }
            catch (Exception what) when (what is DllNotFoundException || what is EntryPointNotFoundException || what is BadImageFormatException)
            {
                if (what is EntryPointNotFoundException) tried.Add($"{Found}: {what.Message}");
                string list = string.Concat(tried.Select(place => "\n  " + place));
                return new RustmlLibraryException("librustml was not found; install it, put it beside the program or set RUSTML_LIBRARY to its " +
                                                  $"file. Tried:{(list.Length > 0 ? list : "\n  " + what.Message)}", tried);
            }
        }

        private static void Load(Type library)
        {
            // Set whatever is found: the runtime asks here first, and where nothing is its own message would name one file only.
            Type resolver = library.Assembly.GetType("System.Runtime.InteropServices.DllImportResolver")!;
            try
            {
                library.GetMethod("SetDllImportResolver")!.Invoke(null, new object[]
                {
                    typeof(Native).Assembly,
                    Delegate.CreateDelegate(resolver, typeof(Loader).GetMethod(nameof(Resolve), BindingFlags.NonPublic | BindingFlags.Static)!),
                });
            }
            catch (TargetInvocationException what) when (what.InnerException is InvalidOperationException)
            {
                return; // the program has set its own for this assembly
            }
            var load = (Func<string, IntPtr>)Delegate.CreateDelegate(typeof(Func<string, IntPtr>), library.GetMethod("Load", new[] { typeof(string) })!);
            string? asked = Environment.GetEnvironmentVariable("RUSTML_LIBRARY");
            foreach (string place in string.IsNullOrEmpty(asked) ? Places() : new[] { asked }) // asked for by name: nothing else will do
            {
                bool isPath = place.IndexOf(Path.DirectorySeparatorChar) >= 0;
                if (isPath && !File.Exists(place))
                {
                    tried.Add(place + ": no such file");
                    continue;
                }
                try
                {
                    loaded = load(place);
                    Found = isPath ? place : null;
                    break;
                }
                catch (Exception what) when (what is DllNotFoundException || what is BadImageFormatException)
                {
                    // The last part of the runtime's message is the system's.
                    string reason = what.Message.TrimEnd();
                    tried.Add(place + (isPath ? ": " + reason.Substring(reason.LastIndexOf(": ", StringComparison.Ordinal) + 1).Trim() : ": not among the system's libraries"));
                }
            }
            if (loaded == IntPtr.Zero) throw new DllNotFoundException();
        }

        private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? search) => name == Native.Library ? loaded : IntPtr.Zero;

        private static IEnumerable<string> Places()
        {
            string major = Native.RUSTML_VERSION_MAJOR.ToString();
            bool windows = RuntimeInformation.IsOSPlatform(OSPlatform.Windows), mac = RuntimeInformation.IsOSPlatform(OSPlatform.OSX);
            string[] names = windows ? new[] { "rustml.dll" }
                : mac ? new[] { $"librustml.{major}.dylib", "librustml.dylib" }
                : new[] { $"librustml.so.{major}", "librustml.so" };
            string system = windows ? "win" : mac ? "osx" : "linux";
            string native = Path.Combine("runtimes", $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}", "native");

            var folders = new List<string>();
            string own = typeof(Loader).Assembly.Location; // empty in a single-file program
            foreach (string root in new[] { own.Length > 0 ? Path.GetDirectoryName(own)! : "", AppContext.BaseDirectory })
            {
                if (root.Length == 0) continue;
                folders.Add(root);
                folders.Add(Path.Combine(root, native));
            }
            // Where the host found the native files of packages.
            string? host = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string;
            if (host != null) folders.AddRange(host.Split(Path.PathSeparator).Where(folder => folder.Length > 0));

            var comparer = windows ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;
            foreach (string folder in folders.Select(folder => Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar)).Distinct(comparer))
                foreach (string name in names) yield return Path.Combine(folder, name);
            foreach (string name in names) yield return name;
        }
    }
}
