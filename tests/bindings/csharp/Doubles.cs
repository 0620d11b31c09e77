using System;
using System.IO;
using Rustml;

// What HostTest hands to the library: streams that fail or cannot seek, and progress on the thread that reports it.
internal sealed class Direct : IProgress<RustmlProgress>
{
    private readonly Action<RustmlProgress> report;

    internal Direct(Action<RustmlProgress> report) => this.report = report;

    public void Report(RustmlProgress value) => report(value);
}

internal sealed class Broken : MemoryStream
{
    public override void Write(ReadOnlySpan<byte> source) => throw new InvalidDataException("written");
    public override int Read(Span<byte> destination) => throw new InvalidDataException("read");
}

internal sealed class NoSeek : Stream
{
    private readonly Stream inner;

    internal NoSeek(Stream inner) => this.inner = inner;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, Math.Min(count, 777));
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
