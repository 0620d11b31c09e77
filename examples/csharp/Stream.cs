// Streams an answer as it is made: Stream MODEL
using System;
using System.Threading.Tasks;
using Rustml;

internal static class Stream
{
    private static async Task Main(string[] arguments)
    {
        using var model = await Model.LoadAsync(arguments[0]);
        using var session = model.CreateSession();
        var options = new GenerationOptions { MaxTokens = 64, Temperature = 0.8f, TopP = 0.95f, Seed = 42 };
        await foreach (var chunk in session.GenerateAsync("Once upon a time", options))
        {
            Console.Write(chunk.Text);
            if (chunk.Result is GenerationResult result)
                Console.WriteLine($"\n[{result.GeneratedTokens} tokens, {result.Finish}, first after {result.FirstToken.TotalMilliseconds:f0} ms]");
        }
    }
}
