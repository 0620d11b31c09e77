using System.Collections.Generic;
using System.Linq;
using System.Text;
using Rustml.Interop;

namespace Rustml
{
    /// <summary>One turn of a conversation.</summary>
    public sealed class ChatMessage
    {
        /// <param name="role">"system", "user" or "assistant".</param>
        /// <param name="content">What was said. Text of special tokens in it stays plain text.</param>
        public ChatMessage(string role, string content) => (Role, Content) = (role, content);

        public string Role { get; }
        public string Content { get; }

        public static ChatMessage System(string content) => new ChatMessage("system", content);
        public static ChatMessage User(string content) => new ChatMessage("user", content);
        public static ChatMessage Assistant(string content) => new ChatMessage("assistant", content);
    }

    /// <summary>
    /// The whole context wanted, not an addition: what it shares with the session's tokens is not evaluated again. A string is one.
    /// </summary>
    public sealed class Prompt
    {
        private readonly int kind;
        private readonly string? text;
        private readonly IReadOnlyList<int>? ids;
        private readonly uint flags;
        private readonly bool addGenerationPrompt = true;

        private Prompt(int kind, string? text, IReadOnlyList<int>? ids = null, uint flags = 0, bool addGenerationPrompt = true) =>
            (this.kind, this.text, this.ids, this.flags, this.addGenerationPrompt) = (kind, text, ids, flags, addGenerationPrompt);

        public static implicit operator Prompt(string text) => Text(text);

        /// <param name="text">Plain text.</param>
        /// <param name="parseSpecial">Text of special tokens becomes those tokens: never for text from outside.</param>
        /// <param name="addBos">Begin with the model's begin-of-text token, if its file says so.</param>
        public static Prompt Text(string text, bool parseSpecial = false, bool addBos = true) =>
            new Prompt(Native.RUSTML_PROMPT_TEXT, text, null,
                       (parseSpecial ? Native.RUSTML_PROMPT_PARSE_SPECIAL : 0u) | (addBos ? 0u : Native.RUSTML_PROMPT_NO_BOS));

        public static Prompt Tokens(IReadOnlyList<int> ids) => new Prompt(Native.RUSTML_PROMPT_IDS, null, ids);

        /// <summary>A conversation, in the form of the model's own chat template, open for the assistant's turn.</summary>
        public static Prompt Chat(params ChatMessage[] messages) => Chat((IEnumerable<ChatMessage>)messages);

        /// <inheritdoc cref="Chat(ChatMessage[])"/>
        public static Prompt Chat(IEnumerable<ChatMessage> messages, bool addGenerationPrompt = true) =>
            ChatJson(Json(messages), addGenerationPrompt);

        /// <summary>The same from a JSON array of {"role", "content"}.</summary>
        public static Prompt ChatJson(string messages, bool addGenerationPrompt = true) =>
            new Prompt(Native.RUSTML_PROMPT_MESSAGES, messages, null, 0, addGenerationPrompt);

        internal static string Json(IEnumerable<ChatMessage> messages)
        {
            var to = new StringBuilder("[");
            foreach (ChatMessage one in messages)
            {
                to.Append(to.Length > 1 ? "," : "").Append("{\"role\":");
                Quote(to, one.Role);
                to.Append(",\"content\":");
                Quote(to, one.Content);
                to.Append('}');
            }
            return to.Append(']').ToString();
        }

        private static void Quote(StringBuilder to, string text)
        {
            to.Append('"');
            foreach (char c in text)
            {
                if (c == '"' || c == '\\') to.Append('\\').Append(c);
                else if (c < ' ') to.Append("\\u").Append(((int)c).ToString("x4"));
                else to.Append(c);
            }
            to.Append('"');
        }

        internal unsafe void Fill(rustml_prompt* to, Arena arena)
        {
            Native.rustml_prompt_init(to, (uint)sizeof(rustml_prompt));
            to->kind = kind;
            to->text = arena.Text(text);
            to->ids = Numbers.Ids(arena, ids, out to->n_ids);
            to->flags = flags;
            if (kind == Native.RUSTML_PROMPT_MESSAGES) to->chat = ChatOptions(arena, addGenerationPrompt);
        }

        internal static unsafe rustml_chat_options* ChatOptions(Arena arena, bool addGenerationPrompt)
        {
            var options = arena.One<rustml_chat_options>();
            Native.rustml_chat_options_init(options, (uint)sizeof(rustml_chat_options));
            options->add_generation_prompt = addGenerationPrompt ? 1u : 0u;
            return options;
        }
    }
}
