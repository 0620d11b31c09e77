// Saves a conversation in the middle of an answer and goes on with it elsewhere: Snapshot MODEL
using System;
using System.IO;
using System.Threading.Tasks;
using Rustml;

internal static class Snapshot
{
    private static async Task Main(string[] arguments)
    {
        using var model = await Model.LoadAsync(arguments[0]);
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using (var session = model.CreateSession())
        using (var answer = session.Start("Once upon a time", new GenerationOptions { MaxTokens = 32 }))
        {
            for (int i = 0; i < 8 && answer.TryNext(out var chunk); ++i) Console.Write(chunk.Text);
            await session.SaveAsync(path); // or to any Stream
        }

        using (var session = model.CreateSession()) // perhaps in another process, or on another machine
        {
            RestoreInfo info = await session.RestoreAsync(path);
            await foreach (var chunk in session.ResumeAsync()) Console.Write(chunk.Text);
            Console.WriteLine($"\n[{info.TokensReusable} tokens were not evaluated again]");
        }
        File.Delete(path);
    }
}
