using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>
    /// The weights and the tokenizer of one file. Immutable: any number of threads and sessions share it. Its memory is given back when
    /// it and all its sessions are disposed.
    /// </summary>
    /// <example><code>
    /// using var model = await Model.LoadAsync("model.gguf");
    /// using var session = model.CreateSession();
    /// Console.WriteLine(session.Complete("The capital of France is", new GenerationOptions { MaxTokens = 16 }));
    /// </code></example>
    public sealed unsafe partial class Model : IDisposable
    {
        private readonly ModelHandle handle;

        private Model(IntPtr value) => handle = new ModelHandle(value);

        /// <summary>Loads a GGUF file, or a folder with config.json and SafeTensors, on the thread pool.</summary>
        /// <exception cref="RustmlLibraryException">The native library was not found; the message lists where it was looked for.</exception>
        /// <exception cref="RustmlException">The file is absent, damaged or not supported, or the memory does not suffice.</exception>
        public static Task<Model> LoadAsync(string path, ModelOptions? options = null, IProgress<RustmlProgress>? progress = null,
                                            CancellationToken cancellationToken = default) =>
            Background.Run(() => Load(path, options, progress, cancellationToken));

        /// <inheritdoc cref="LoadAsync(string, ModelOptions, IProgress{RustmlProgress}, CancellationToken)"/>
        public static Model Load(string path, ModelOptions? options = null, IProgress<RustmlProgress>? progress = null,
                                 CancellationToken cancellationToken = default)
        {
            Loader.Ready();
            using var arena = new Arena();
            using var call = new Call(cancellationToken, options?.Timeout, progress);
            rustml_text name = arena.Path(path, nameof(path));
            rustml_model_options* how = (options ?? new ModelOptions()).Native(arena);
            IntPtr value, error;
            call.Check(Native.rustml_model_open(name.ptr, name.len, how, &value, call.Begin(), &error), error);
            return new Model(value);
        }

        /// <summary>The same from a stream, from its present position to its end. What the stream throws comes out of this call.</summary>
        public static Task<Model> LoadAsync(Stream stream, ModelOptions? options = null, IProgress<RustmlProgress>? progress = null,
                                            CancellationToken cancellationToken = default) =>
            Background.Run(() => Load(stream, options, progress, cancellationToken));

        /// <inheritdoc cref="LoadAsync(Stream, ModelOptions, IProgress{RustmlProgress}, CancellationToken)"/>
        public static Model Load(Stream stream, ModelOptions? options = null, IProgress<RustmlProgress>? progress = null,
                                 CancellationToken cancellationToken = default)
        {
            Loader.Ready();
            using var arena = new Arena();
            using var call = new Call(cancellationToken, options?.Timeout, progress);
            StreamCallback callback = StreamCallback.Reader(stream, out long size);
            rustml_model_options* how = (options ?? new ModelOptions()).Native(arena);
            rustml_call_options* limits = call.Begin();
            rustml_reader reader;
            IntPtr value, error;
            callback.Fill(&reader, size);
            call.Check(Native.rustml_model_open_reader(&reader, how, &value, limits, &error), error, callback);
            return new Model(value);
        }

        /// <summary>What loading a model and making one session would take, from the file's header.</summary>
        public static MemoryPlan Plan(string path, ModelOptions? options = null, SessionOptions? session = null,
                                      CancellationToken cancellationToken = default)
        {
            Loader.Ready();
            using var arena = new Arena();
            using var call = new Call(cancellationToken, options?.Timeout);
            rustml_text name = arena.Path(path, nameof(path));
            rustml_memory_plan plan;
            IntPtr error;
            plan.struct_size = (uint)sizeof(rustml_memory_plan);
            call.Check(Native.rustml_model_plan(name.ptr, name.len, (options ?? new ModelOptions()).Native(arena),
                                                (session ?? new SessionOptions()).Native(arena), &plan, call.Begin(), &error), error);
            return new MemoryPlan(plan);
        }

        /// <summary>Writes the model at <paramref name="path"/> as one GGUF file with its matrices in another type.</summary>
        public static void Quantize(string path, string outPath, TensorType type = TensorType.Q8_0, IProgress<RustmlProgress>? progress = null,
                                    CancellationToken cancellationToken = default)
        {
            Loader.Ready();
            using var arena = new Arena();
            using var call = new Call(cancellationToken, null, progress);
            rustml_text from = arena.Path(path, nameof(path)), to = arena.Path(outPath, nameof(outPath));
            rustml_quantize_options options;
            Native.rustml_quantize_options_init(&options, (uint)sizeof(rustml_quantize_options));
            options.block_type = (int)type;
            IntPtr error;
            call.Check(Native.rustml_model_quantize(from.ptr, from.len, to.ptr, to.len, &options, call.Begin(), &error), error);
        }

        /// <summary>A new, empty conversation.</summary>
        public Session CreateSession(SessionOptions? options = null, CancellationToken cancellationToken = default)
        {
            using var held = handle.Hold();
            using var arena = new Arena();
            using var call = new Call(cancellationToken);
            IntPtr value, error;
            call.Check(Native.rustml_session_create(held.Value, (options ?? new SessionOptions()).Native(arena), &value, call.Begin(), &error),
                       error);
            return new Session(new SessionHandle(value));
        }

        /// <param name="text">Plain text.</param>
        /// <param name="addSpecial">Add the begin and end tokens that the model's file asks for.</param>
        /// <param name="parseSpecial">Text of special tokens becomes those tokens.</param>
        /// <param name="strict">A byte without a token is an error instead of being dropped.</param>
        public int[] Encode(string text, bool addSpecial = false, bool parseSpecial = false, bool strict = false)
        {
            using var held = handle.Hold();
            using var arena = new Arena();
            rustml_text from = arena.Text(text);
            uint flags = (addSpecial ? Native.RUSTML_ENCODE_ADD_SPECIAL : 0u) | (parseSpecial ? Native.RUSTML_ENCODE_PARSE_SPECIAL : 0u) |
                         (strict ? Native.RUSTML_ENCODE_STRICT : 0u);
            IntPtr model = held.Value;
            return Views.Filled<int>((at, n, needed, error) => Native.rustml_model_encode(model, from.ptr, from.len, flags, at, n, needed, null, error),
                                     text.Length + 4);
        }

        /// <summary>The text of tokens; bytes that are no text become U+FFFD.</summary>
        public string Decode(IReadOnlyList<int> ids, bool skipSpecial = false)
        {
            using var held = handle.Hold();
            using var arena = new Arena();
            int* from = Numbers.Ids(arena, ids, out ulong count);
            uint flags = skipSpecial ? Native.RUSTML_DECODE_SKIP_SPECIAL : 0u;
            IntPtr model = held.Value;
            return Encoding.UTF8.GetString(Views.Filled<byte>(
                (at, n, needed, error) => Native.rustml_model_decode(model, from, count, flags, at, n, needed, error), (ids.Count + 1) * 8));
        }

        /// <summary>The bytes that one token stands for.</summary>
        public byte[] GetTokenBytes(int id)
        {
            using var held = handle.Hold();
            IntPtr model = held.Value;
            return Views.Filled<byte>((at, n, needed, error) => Native.rustml_model_token_bytes(model, id, at, n, needed, error), 32);
        }

        public TokenInfo GetTokenInfo(int id)
        {
            using var held = handle.Hold();
            rustml_token_info info;
            IntPtr error;
            info.struct_size = (uint)sizeof(rustml_token_info);
            Errors.Check(Native.rustml_model_token_info(held.Value, id, &info, &error), error);
            return new TokenInfo(info);
        }

        /// <summary>What the model's chat template makes of a conversation, to look at: to generate, use <see cref="Prompt.Chat(ChatMessage[])"/>.</summary>
        public string FormatChat(IEnumerable<ChatMessage> messages, bool addGenerationPrompt = true) =>
            FormatChatJson(Prompt.Json(messages), addGenerationPrompt);

        /// <summary>The same from a JSON array of {"role", "content"}.</summary>
        public string FormatChatJson(string messages, bool addGenerationPrompt = true)
        {
            using var held = handle.Hold();
            using var arena = new Arena();
            rustml_text json = arena.Text(messages);
            rustml_chat_options* options = Prompt.ChatOptions(arena, addGenerationPrompt);
            IntPtr model = held.Value;
            return Encoding.UTF8.GetString(Views.Filled<byte>(
                (at, n, needed, error) => Native.rustml_model_chat_format(model, json.ptr, json.len, options, at, n, needed, null, error),
                (int)json.len * 2));
        }

        public ModelInfo GetInfo()
        {
            using var held = handle.Hold();
            rustml_model_info info;
            IntPtr error;
            info.struct_size = (uint)sizeof(rustml_model_info);
            Errors.Check(Native.rustml_model_get_info(held.Value, &info, &error), error);
            return new ModelInfo(info); // copies the texts while the model is held
        }

        /// <summary>Everything known about the model, as JSON.</summary>
        public string DescribeJson()
        {
            using var held = handle.Hold();
            IntPtr model = held.Value;
            return Encoding.UTF8.GetString(Views.Filled<byte>(
                (at, n, needed, error) => Native.rustml_model_describe_json(model, at, n, needed, error), 0));
        }

        internal static string Fingerprint(ulong high, ulong low) => high.ToString("x16") + low.ToString("x16");

        /// <summary>Gives the model back. Its sessions go on until they are disposed.</summary>
        public void Dispose() => handle.Dispose();
    }
}
