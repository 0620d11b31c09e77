using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Rustml
{
    /// <summary>A whole answer.</summary>
    public sealed class Completion
    {
        internal Completion(string text, GenerationResult result) => (Text, Result) = (text, result);

        public string Text { get; }
        public GenerationResult Result { get; }

        public override string ToString() => Text;
    }

    // Answers, all made of Generation.
    public sealed partial class Session
    {
        /// <summary>
        /// Streams an answer: a chunk for each token and one for the end, which carries the result. The work is done on the thread pool.
        /// Leaving the loop early, by break or an exception, ends the answer; the session is usable at once.
        /// </summary>
        /// <exception cref="RustmlCanceledException">The token was cancelled.</exception>
        /// <exception cref="RustmlTimeoutException">A time limit of the options passed.</exception>
        /// <exception cref="RustmlException">An option is wrong, the prompt is too long, the session is busy, ...</exception>
        public IAsyncEnumerable<Chunk> GenerateAsync(Prompt prompt, GenerationOptions? options = null,
                                                     CancellationToken cancellationToken = default) =>
            Stream(prompt ?? throw new ArgumentNullException(nameof(prompt)), options, cancellationToken);

        /// <summary>The same on this thread.</summary>
        /// <inheritdoc cref="GenerateAsync"/>
        public IEnumerable<Chunk> Generate(Prompt prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            using Generation answer = Start(prompt, options, cancellationToken);
            while (answer.TryNext(out Chunk? chunk)) yield return chunk;
        }

        /// <summary>A whole answer at once.</summary>
        /// <inheritdoc cref="GenerateAsync"/>
        public Task<Completion> CompleteAsync(Prompt prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Background.Run(() => Complete(prompt, options, cancellationToken));

        /// <inheritdoc cref="CompleteAsync"/>
        public Completion Complete(Prompt prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            var text = new StringBuilder();
            using Generation answer = Start(prompt, options, cancellationToken);
            while (answer.TryNext(out Chunk? chunk)) text.Append(chunk.Text);
            return new Completion(text.ToString(), answer.Result);
        }

        /// <summary>Begins an answer to be taken step by step. Checks the options; the prompt is read in the first step.</summary>
        public Generation Start(Prompt prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Generation.Start(handle, prompt ?? throw new ArgumentNullException(nameof(prompt)), options, cancellationToken);

        /// <summary>Goes on with the answer that a restored snapshot carried. Of the options only the time limits count.</summary>
        public Generation Resume(GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Generation.Start(handle, null, options, cancellationToken);

        /// <inheritdoc cref="Resume"/>
        public IAsyncEnumerable<Chunk> ResumeAsync(GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Stream(null, options, cancellationToken);

        private async IAsyncEnumerable<Chunk> Stream(Prompt? prompt, GenerationOptions? options,
                                                     [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            // The token stops the native call, whose status then tells what happened: Task.Run must not know it.
            using Generation answer = await Task.Run(() => Generation.Start(handle, prompt, options, cancellationToken)).ConfigureAwait(false);
            Func<Chunk?> step = () => answer.TryNext(out Chunk? chunk) ? chunk : null;
            while (await Task.Run(step).ConfigureAwait(false) is Chunk next) yield return next;
        }
    }

    /// <summary>Task.Run whose task counts as cancelled when the library says so: that it does only for exceptions from async methods.</summary>
    internal static class Background
    {
        internal static async Task<T> Run<T>(Func<T> work) => await Task.Run(work).ConfigureAwait(false);

        internal static async Task Run(Action work) => await Task.Run(work).ConfigureAwait(false);
    }
}
