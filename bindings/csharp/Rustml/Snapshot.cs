using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Rustml.Interop;

namespace Rustml
{
    public sealed unsafe partial class Session
    {
        /// <summary>Saves the session to a file, which appears whole or not at all.</summary>
        public void Save(string path, IProgress<RustmlProgress>? progress = null, TimeSpan? timeout = null,
                         CancellationToken cancellationToken = default)
        {
            using var held = handle.Hold();
            using var arena = new Arena();
            using var call = new Call(cancellationToken, timeout, progress);
            rustml_text name = arena.Path(path, nameof(path));
            IntPtr error;
            call.Check(Native.rustml_session_save(held.Value, name.ptr, name.len, call.Begin(), &error), error);
        }

        /// <summary>Saves the session to a stream. What the stream throws comes out of this call.</summary>
        public void Save(Stream stream, IProgress<RustmlProgress>? progress = null, TimeSpan? timeout = null,
                         CancellationToken cancellationToken = default)
        {
            using var held = handle.Hold();
            using var call = new Call(cancellationToken, timeout, progress);
            var callback = new StreamCallback(stream);
            rustml_call_options* options = call.Begin();
            rustml_sink sink;
            IntPtr error;
            callback.Fill(&sink);
            call.Check(Native.rustml_session_snapshot_write(held.Value, &sink, options, &error), error, callback);
        }

        /// <inheritdoc cref="Save(string, IProgress{RustmlProgress}, TimeSpan?, CancellationToken)"/>
        public Task SaveAsync(string path, IProgress<RustmlProgress>? progress = null, TimeSpan? timeout = null,
                              CancellationToken cancellationToken = default) =>
            Background.Run(() => Save(path, progress, timeout, cancellationToken));

        /// <inheritdoc cref="Save(Stream, IProgress{RustmlProgress}, TimeSpan?, CancellationToken)"/>
        public Task SaveAsync(Stream stream, IProgress<RustmlProgress>? progress = null, TimeSpan? timeout = null,
                              CancellationToken cancellationToken = default) =>
            Background.Run(() => Save(stream, progress, timeout, cancellationToken));

        /// <summary>Replaces what the session holds by a saved one of the same model, wholly or not at all.</summary>
        public RestoreInfo Restore(string path, IProgress<RustmlProgress>? progress = null, TimeSpan? timeout = null,
                                   CancellationToken cancellationToken = default)
        {
            using var held = handle.Hold();
            using var arena = new Arena();
            using var call = new Call(cancellationToken, timeout, progress);
            rustml_text name = arena.Path(path, nameof(path));
            rustml_restore_info info;
            IntPtr error;
            info.struct_size = (uint)sizeof(rustml_restore_info);
            call.Check(Native.rustml_session_load(held.Value, name.ptr, name.len, &info, call.Begin(), &error), error);
            return new RestoreInfo(info);
        }

        /// <summary>The same from a stream, from its present position to its end.</summary>
        public RestoreInfo Restore(Stream stream, IProgress<RustmlProgress>? progress = null, TimeSpan? timeout = null,
                                   CancellationToken cancellationToken = default)
        {
            using var held = handle.Hold();
            using var call = new Call(cancellationToken, timeout, progress);
            StreamCallback callback = StreamCallback.Reader(stream, out long size);
            rustml_call_options* options = call.Begin();
            rustml_reader source;
            rustml_restore_info info;
            IntPtr error;
            info.struct_size = (uint)sizeof(rustml_restore_info);
            callback.Fill(&source, size);
            call.Check(Native.rustml_session_restore(held.Value, &source, &info, options, &error), error, callback);
            return new RestoreInfo(info);
        }

        /// <inheritdoc cref="Restore(string, IProgress{RustmlProgress}, TimeSpan?, CancellationToken)"/>
        public Task<RestoreInfo> RestoreAsync(string path, IProgress<RustmlProgress>? progress = null, TimeSpan? timeout = null,
                                              CancellationToken cancellationToken = default) =>
            Background.Run(() => Restore(path, progress, timeout, cancellationToken));

        /// <inheritdoc cref="Restore(Stream, IProgress{RustmlProgress}, TimeSpan?, CancellationToken)"/>
        public Task<RestoreInfo> RestoreAsync(Stream stream, IProgress<RustmlProgress>? progress = null, TimeSpan? timeout = null,
                                              CancellationToken cancellationToken = default) =>
            Background.Run(() => Restore(stream, progress, timeout, cancellationToken));

        /// <summary>How many bytes a snapshot would have now.</summary>
        public long GetSnapshotSize()
        {
            using var held = handle.Hold();
            ulong size;
            IntPtr error;
            Errors.Check(Native.rustml_session_snapshot_size(held.Value, &size, &error), error);
            return (long)size;
        }
    }

    /// <summary>What a restored session can do.</summary>
    public sealed class RestoreInfo
    {
        internal RestoreInfo(in rustml_restore_info from)
        {
            Tokens = (long)from.n_tokens;
            TokensReusable = (long)from.tokens_reusable;
            RewindFloor = (long)from.rewind_floor;
            IsGenerationOpen = from.generation_open != 0;
        }

        /// <summary>Tokens now in the session, and how many of them need not be evaluated again.</summary>
        public long Tokens { get; }
        public long TokensReusable { get; }
        public long RewindFloor { get; }
        /// <summary>It carries an answer for <see cref="Session.Resume"/>.</summary>
        public bool IsGenerationOpen { get; }
    }

    /// <summary>What a snapshot says about itself.</summary>
    public sealed unsafe class SnapshotInfo
    {
        private SnapshotInfo(in rustml_snapshot_info from)
        {
            FormatVersion = (int)from.format_version;
            TotalBytes = (long)from.total_bytes;
            Tokens = (long)from.n_tokens;
            ModelFingerprint = Model.Fingerprint(from.model_fingerprint_high, from.model_fingerprint_low);
            KvType = (KvType)from.kv_type;
            IsGenerationOpen = from.generation_open != 0;
        }

        public int FormatVersion { get; }
        public long TotalBytes { get; }
        public long Tokens { get; }
        /// <summary>Equal to <see cref="ModelInfo.Fingerprint"/> of the model it belongs to.</summary>
        public string ModelFingerprint { get; }
        public KvType KvType { get; }
        public bool IsGenerationOpen { get; }

        /// <summary>Reads a snapshot's header, without a model.</summary>
        public static SnapshotInfo Read(Stream stream)
        {
            Loader.Ready();
            StreamCallback callback = StreamCallback.Reader(stream, out long size);
            rustml_reader source;
            rustml_snapshot_info info;
            IntPtr error;
            info.struct_size = (uint)sizeof(rustml_snapshot_info);
            callback.Fill(&source, size);
            int status = Native.rustml_snapshot_probe(&source, &info, &error);
            if (status != Native.RUSTML_OK)
            {
                Exception failed = Errors.From(status, error);
                callback.Rethrow();
                throw failed;
            }
            return new SnapshotInfo(info);
        }
    }
}
