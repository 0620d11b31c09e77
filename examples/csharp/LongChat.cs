// A conversation that goes on when the context is full, since the oldest turns are dropped; /undo takes the last turn back:
// LongChat MODEL CONTEXT
using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Rustml;

internal static class LongChat
{
    private static readonly GenerationOptions Options = new GenerationOptions { MaxTokens = 64 };

    private sealed class Turn
    {
        public Turn(ChatMessage user, ChatMessage assistant) => Messages = new[] { user, assistant };
        public ChatMessage[] Messages { get; }
    }

    private static Generation Start(Session session, IEnumerable<Turn> turns, ChatMessage question) =>
        session.Start(Prompt.Chat(turns.SelectMany(turn => turn.Messages).Prepend(ChatMessage.System("Answer briefly.")).Append(question)), Options);

    /// <summary>Begins the answer, and drops the oldest turns if the prompt leaves too little room for it: then so many that half of the
    /// context is free, because what stays is evaluated again behind the system message.</summary>
    /// <exception cref="RustmlException">OutOfRange: the question does not fit the context even alone.</exception>
    private static Generation Answer(Session session, List<Turn> turns, ChatMessage question, long context)
    {
        long most = context - context / 4;
        for (int first = 0;; ++first)
        {
            bool alone = first == turns.Count;
            try
            {
                Generation answer = Start(session, turns.Skip(first), question);
                if (alone || answer.Result.PromptTokens <= most) // known before anything is evaluated
                {
                    if (first > 0) Console.WriteLine($"(dropped {first} turns)");
                    turns.RemoveRange(0, first);
                    return answer;
                }
                answer.Dispose();
            }
            catch (RustmlException refused) when (refused.Status == Status.OutOfRange && !alone)
            {
            }
            most = context / 2;
        }
    }

    private static void Main(string[] arguments)
    {
        long context = long.Parse(arguments[1]);
        using var model = Model.Load(arguments[0]);
        using var session = model.CreateSession(new SessionOptions { ContextTokens = context });
        var turns = new List<Turn>();
        while (Console.ReadLine() is string line)
        {
            if (line == "/undo") // the next prompt parts from the session's tokens there, and the session goes back to there
            {
                if (turns.Count > 0) turns.RemoveAt(turns.Count - 1);
                continue;
            }
            var question = ChatMessage.User(line);
            try
            {
                using Generation answer = Answer(session, turns, question, context);
                var said = new StringBuilder();
                while (answer.TryNext(out var chunk))
                {
                    Console.Write(chunk.Text);
                    said.Append(chunk.Text);
                }
                turns.Add(new Turn(question, ChatMessage.Assistant(said.ToString())));
                GenerationResult result = answer.Result;
                Console.WriteLine($"\n({result.PrefillTokensSkipped} of {result.PromptTokens} prompt tokens were known)");
                if (result.Finish == FinishReason.ContextFull) Console.WriteLine("(the context is full, so the answer ends here)");
            }
            catch (RustmlException refused) when (refused.Status == Status.OutOfRange)
            {
                Console.Error.WriteLine($"{refused.Message}; the conversation goes on without this message");
            }
        }
    }
}
