// A conversation on the console; what was said before is not evaluated again: Chat MODEL
using System;
using System.Collections.Generic;
using System.Text;
using System.Threading.Tasks;
using Rustml;

internal static class Chat
{
    private static async Task Main(string[] arguments)
    {
        using var model = await Model.LoadAsync(arguments[0]);
        using var session = model.CreateSession();
        var history = new List<ChatMessage> { ChatMessage.System("You are a helpful assistant. Answer briefly.") };
        Console.Write("> ");
        while (Console.ReadLine() is string line)
        {
            history.Add(ChatMessage.User(line));
            var answer = new StringBuilder();
            await foreach (var chunk in session.GenerateAsync(Prompt.Chat(history), new GenerationOptions { MaxTokens = 128 }))
            {
                Console.Write(chunk.Text);
                answer.Append(chunk.Text);
            }
            history.Add(ChatMessage.Assistant(answer.ToString()));
            Console.Write("\n> ");
        }
    }
}
