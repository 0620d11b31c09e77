using System;
using System.Runtime.InteropServices;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>How urgent a log record is.</summary>
    public enum LogLevel
    {
        Error = Native.RUSTML_LOG_ERROR,
        Warn = Native.RUSTML_LOG_WARN,
        Info = Native.RUSTML_LOG_INFO,
        Debug = Native.RUSTML_LOG_DEBUG,
        Trace = Native.RUSTML_LOG_TRACE,
    }

    /// <summary>One line of the library's log.</summary>
    public readonly struct LogRecord
    {
        internal LogRecord(LogLevel level, string component, string message) => (Level, Component, Message) = (level, component, message);

        public LogLevel Level { get; }

        /// <summary>For example "rustml::attn".</summary>
        public string Component { get; }

        public string Message { get; }

        public override string ToString() => $"{Level} {Component}: {Message}";
    }

    /// <summary>How far a long call has come, in bytes or tokens.</summary>
    public readonly struct RustmlProgress
    {
        internal RustmlProgress(long done, long total) => (Done, Total) = (done, total);

        public long Done { get; }
        public long Total { get; }
    }

    /// <summary>The native library itself.</summary>
    public static unsafe class Library
    {
        /// <summary>The native library's version, "1.0.0".</summary>
        public static string Version
        {
            get
            {
                Loader.Ready();
                return Marshal.PtrToStringUTF8((IntPtr)Native.rustml_version())!;
            }
        }

        /// <summary>Compiler, dependencies and processor features of the native library, as JSON.</summary>
        public static string BuildJson
        {
            get
            {
                Loader.Ready();
                return Marshal.PtrToStringUTF8((IntPtr)Native.rustml_build_json())!;
            }
        }

        /// <summary>The file that was loaded, or a name that the system found by its own rules.</summary>
        public static string Path
        {
            get
            {
                Loader.Ready();
                return Loader.Found ?? Native.Library;
            }
        }

        /// <summary>
        /// Sends the process's log to <paramref name="sink"/>, which runs on whatever thread made the call that logs; what it throws is
        /// dropped. Null ends it.
        /// </summary>
        /// <param name="sink">Gets each record.</param>
        /// <param name="filter">In RUST_LOG's syntax: "info", "rustml=debug,rustml::attn=trace".</param>
        public static void SetLog(Action<LogRecord>? sink, string filter = "info")
        {
            Loader.Ready();
            IntPtr error;
            if (sink == null)
            {
                Errors.Check(Native.rustml_log_set(null, &error), error);
                return;
            }
            using var arena = new Arena();
            rustml_log_options options;
            rustml_callback callback;
            Native.rustml_log_options_init(&options, (uint)sizeof(rustml_log_options));
            options.filter = arena.Text(filter);
            options.callback = &callback;
            new LogCallback(sink).Fill(&callback);
            Errors.Check(Native.rustml_log_set(&options, &error), error);
        }

        private sealed class LogCallback : Callback
        {
            private readonly Action<LogRecord> sink;

            internal LogCallback(Action<LogRecord> sink) => this.sink = sink;

            protected override int Event(rustml_event* occurred)
            {
                sink(new LogRecord((LogLevel)occurred->level, Marshal.PtrToStringUTF8((IntPtr)occurred->component) ?? "",
                                   Views.Text(occurred->text, occurred->text_len)));
                return 0;
            }
        }
    }
}
