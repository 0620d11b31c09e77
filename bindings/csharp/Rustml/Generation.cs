using System;
using System.Diagnostics.CodeAnalysis;
using System.Threading;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>
    /// An answer being produced, one step at a time: what <see cref="Session.Generate"/> and <see cref="Session.GenerateAsync"/> are made
    /// of. Between two steps its session may be looked at and saved; Dispose ends the answer there.
    /// </summary>
    /// <example><code>
    /// using var answer = session.Start("Once upon a time");
    /// while (answer.TryNext(out var chunk)) Console.Write(chunk.Text);
    /// </code></example>
    public sealed unsafe class Generation : IDisposable
    {
        private readonly GenerationHandle handle;
        private readonly Cancellation? cancellation;
        private readonly CancellationToken token;
        private readonly IProgress<RustmlProgress>? progress;

        private Generation(GenerationHandle handle, Cancellation? cancellation, CancellationToken token, IProgress<RustmlProgress>? progress) =>
            (this.handle, this.cancellation, this.token, this.progress) = (handle, cancellation, token, progress);

        /// <summary>A null prompt resumes what the session's snapshot carried.</summary>
        internal static Generation Start(SessionHandle session, Prompt? prompt, GenerationOptions? options, CancellationToken token)
        {
            using var held = session.Hold();
            using var arena = new Arena();
            Cancellation? cancellation = Cancellation.Of(token);
            try
            {
                IntPtr value, error;
                rustml_generation_options* how = (options ?? new GenerationOptions()).Native(arena, cancellation?.Value ?? IntPtr.Zero);
                if (prompt == null)
                {
                    Errors.Check(Native.rustml_generation_resume(held.Value, how, &value, &error), error, token);
                }
                else
                {
                    rustml_prompt native;
                    prompt.Fill(&native, arena);
                    Errors.Check(Native.rustml_generation_start(held.Value, &native, how, &value, &error), error, token);
                }
                return new Generation(new GenerationHandle(value), cancellation, token, options?.PrefillProgress);
            }
            catch
            {
                cancellation?.Dispose();
                throw;
            }
        }

        /// <summary>The next chunk; false after the last one. Takes as long as the model needs for it.</summary>
        /// <exception cref="RustmlCanceledException">The token was cancelled.</exception>
        /// <exception cref="RustmlTimeoutException">A time limit passed.</exception>
        public bool TryNext([NotNullWhen(true)] out Chunk? chunk)
        {
            using var held = handle.Hold();
            for (;;)
            {
                rustml_event occurred;
                IntPtr error;
                occurred.struct_size = (uint)sizeof(rustml_event);
                int status = Native.rustml_generation_next(held.Value, &occurred, &error);
                if (status == Native.RUSTML_DONE)
                {
                    chunk = null;
                    return false;
                }
                if (status != Native.RUSTML_OK) throw Errors.From(status, error, token, ResultOf(held.Value));
                switch (occurred.kind)
                {
                    case Native.RUSTML_EVENT_TOKEN:
                        chunk = new Chunk(&occurred, null);
                        return true;
                    case Native.RUSTML_EVENT_STOPPED:
                        chunk = new Chunk(&occurred, ResultOf(held.Value));
                        return true;
                    case Native.RUSTML_EVENT_PREFILL:
                        progress?.Report(new RustmlProgress((long)occurred.done, (long)occurred.total));
                        break;
                }
            }
        }

        /// <summary>What the answer has come to so far.</summary>
        public GenerationResult Result
        {
            get
            {
                using var held = handle.Hold();
                rustml_result result;
                IntPtr error;
                result.struct_size = (uint)sizeof(rustml_result);
                Errors.Check(Native.rustml_generation_result(held.Value, &result, &error), error);
                return new GenerationResult(result);
            }
        }

        /// <summary>Ends the answer here, as <see cref="GenerationOptions.OnStop"/> says. Dispose does the same.</summary>
        public void Stop()
        {
            using var held = handle.Hold();
            IntPtr error;
            Errors.Check(Native.rustml_generation_stop(held.Value, &error), error);
        }

        public void Dispose()
        {
            handle.Dispose();
            cancellation?.Dispose();
        }

        private static GenerationResult? ResultOf(IntPtr generation)
        {
            rustml_result result;
            result.struct_size = (uint)sizeof(rustml_result);
            return Native.rustml_generation_result(generation, &result, null) == Native.RUSTML_OK ? new GenerationResult(result) : null;
        }
    }
}
