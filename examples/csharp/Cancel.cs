// Stops an answer from outside, by a token and by a time limit: Cancel MODEL
using System;
using System.Threading;
using System.Threading.Tasks;
using Rustml;

internal static class Cancel
{
    private static async Task Main(string[] arguments)
    {
        using var model = await Model.LoadAsync(arguments[0]);
        using var session = model.CreateSession();

        using var source = new CancellationTokenSource();
        try
        {
            int n = 0;
            await foreach (var chunk in session.GenerateAsync("Count to a million: 1, 2,", cancellationToken: source.Token))
                if (++n == 5) source.Cancel(); // a button, a closed connection, Ctrl+C
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine("cancelled");
        }

        try
        {
            session.Complete("Count to a million: 1, 2,", new GenerationOptions { Timeout = TimeSpan.FromMilliseconds(1) });
        }
        catch (TimeoutException late)
        {
            Console.WriteLine(late.Message);
        }

        // The session is usable at once.
        Console.WriteLine(session.Complete("Hello", new GenerationOptions { MaxTokens = 4 }).Result.Finish);
    }
}
