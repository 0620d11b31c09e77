using System;
using System.IO;
using System.Linq;
using Rustml;

// LoaderTest.dll found PATH | absent PLACE... | refused: which library this program gets, or how its absence is told.
internal static class LoaderTest
{
    private static int Main(string[] arguments)
    {
        try
        {
            string version = Library.Version;
            bool good = arguments[0] == "found" && Library.Path == Path.GetFullPath(arguments[1]);
            Console.WriteLine($"loaded {version} from {Library.Path}");
            return good ? 0 : 1;
        }
        catch (RustmlLibraryException what) when (arguments[0] == "absent")
        {
            Console.WriteLine(what.Message);
            string missing = arguments.Skip(1).FirstOrDefault(place => !what.Message.Contains(place) || !what.Tried.Any(line => line.Contains(place)));
            if (missing != null) Console.WriteLine("FAILED: not told: " + missing);
            try
            {
                Model.LoadAsync("model.gguf").GetAwaiter().GetResult();
            }
            catch (RustmlLibraryException again)
            {
                return missing == null && again.Message == what.Message ? 0 : 1;
            }
            return 1;
        }
        catch (RustmlException what) when (arguments[0] == "refused")
        {
            Console.WriteLine(what.Message);
            return what.Status == Status.AbiMismatch && what.Message.Contains("another layout") ? 0 : 1;
        }
    }
}
