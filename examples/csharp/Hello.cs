// Loads a model and completes a text: Hello MODEL
using System;
using Rustml;

internal static class Hello
{
    private static void Main(string[] arguments)
    {
        using var model = Model.Load(arguments[0]);
        using var session = model.CreateSession();
        Console.WriteLine(session.Complete("The capital of France is", new GenerationOptions { MaxTokens = 16 }));
    }
}
