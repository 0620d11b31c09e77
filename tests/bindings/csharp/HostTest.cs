using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Rustml;

// What a program around the library may do to it: HostTest.dll MODEL.gguf SLOW.gguf (thousands of tokens fit). Prints each part, exits with the number of failures.
internal static class HostTest
{
    private static int failures;
    private static Model model, slow;

    private static void Check(bool good, string what)
    {
        if (good) return;
        Console.WriteLine("FAILED: " + what);
        ++failures;
    }

    private static async Task<int> Main(string[] arguments)
    {
        string path = arguments[0];
        model = await Model.LoadAsync(path);
        slow = await Model.LoadAsync(arguments[1]);
        foreach (Func<Task> part in new Func<Task>[] { Streams, Tasks, Exceptions, Collector, Cancels, Deadlines, Snapshots, Misuse, Logs, () => Loads(path) })
        {
            var clock = Stopwatch.StartNew();
            try
            {
                await part();
            }
            catch (Exception what)
            {
                Check(false, what.ToString());
            }
            Console.WriteLine($"{part.Method.Name}: {clock.ElapsedMilliseconds} ms");
        }
        model.Dispose();
        slow.Dispose();
        return failures;
    }

    private static GenerationOptions Short(int n = 16, ulong seed = 0) =>
        new GenerationOptions { MaxTokens = n, IgnoreEos = true, Seed = seed, Temperature = seed == 0 ? 0 : 0.8f };

    private static string Text(Prompt prompt, GenerationOptions options)
    {
        using Session session = model.CreateSession();
        return session.Complete(prompt, options).Text;
    }

    private static async Task Streams()
    {
        using Session session = model.CreateSession();
        string whole = session.Complete("The capital", Short()).Text, streamed = "", stepped = "";
        session.Reset();
        GenerationResult result = null;
        await foreach (Chunk chunk in session.GenerateAsync("The capital", Short()).ConfigureAwait(false))
        {
            streamed += chunk;
            result = chunk.Result;
        }
        Check(whole == streamed && whole.Length > 0, "a stream's text is the whole answer");
        Check(result != null && result.GeneratedTokens == 16 && result.Finish == FinishReason.Length, "the last chunk has the result");
        session.Reset();
        foreach (Chunk chunk in session.Generate("The capital", Short())) stepped += chunk;
        Check(whole == stepped, "the synchronous stream is the same");
        session.Reset();
        var reports = new List<RustmlProgress>();
        var options = Short(4);
        options.Logprobs = 3;
        options.PrefillProgress = new Direct(reports.Add);
        List<Chunk> chunks = session.Generate("The capital", options).ToList();
        Check(chunks.Count == 5 && chunks[4].IsEnd, "a chunk for each token and one for the end");
        Check(chunks[0].TopLogprobs.Count == 3 && chunks[0].Logprob == chunks[0].TopLogprobs[0].Logprob, "log probabilities");
        Check(reports.Count > 0 && reports[^1].Done == reports[^1].Total, "progress of the prefill");
        Check(model.Decode(chunks.Take(4).Select(chunk => chunk.TokenId).ToArray()).Length > 0, "ids decode");
        Check(Prompt.Chat(ChatMessage.User("a\"b\\c\n😀")) != null && model.FormatChat(new[] { ChatMessage.User("a\"b\\c\n😀") }).Contains("a\"b\\c\n😀"),
              "a chat message comes through unchanged");
        // Leaving early, at every token: the session is usable at once.
        for (int leave = 1; leave < 5; ++leave)
        {
            int n = 0;
            await foreach (Chunk _ in session.GenerateAsync("The capital", Short()))
                if (++n == leave) break;
            Check(!session.GetInfo().IsGenerationOpen, "break closes the answer");
        }
        Check(session.Complete("The capital", Short()).Text == whole, "the answer after four that were left");
    }

    /// <summary>100 tasks share one model: each gets the answer it would get alone, and nothing is left of them.</summary>
    private static async Task Tasks()
    {
        string[] alone = Enumerable.Range(0, 100).Select(i => Text($"Question {i}", Short(12, (ulong)i))).ToArray();
        async Task<string> One(int i)
        {
            using Session session = model.CreateSession();
            var text = new StringBuilder();
            await foreach (Chunk chunk in session.GenerateAsync($"Question {i}", Short(12, (ulong)i))) text.Append(chunk.Text);
            return text.ToString();
        }
        async Task<int> Round() => (await Task.WhenAll(Enumerable.Range(0, 100).Select(One))).Zip(alone, (a, b) => a == b).Count(same => !same);
        // The pool gets all its threads at once; otherwise it adds some whenever the machine is slow. (Nor does a thread compile in the
        // background: csharp_test.py turns that off.)
        ThreadPool.SetMinThreads(8, 8);
        ThreadPool.SetMaxThreads(8, 8);
        for (int round = 0; round < 10; ++round) await Round(); // each of the pool's threads keeps some kilobytes, once
        Held();
        var before = Held();
        for (int round = 0; round < 20; ++round)
        {
            int wrong = await Round();
            Check(wrong == 0, $"100 tasks, round {round}: {wrong} answers differ");
        }
        var after = Held();
        string change = $"{before} before, {after} after";
        Check(after.sessions == 0 && after.bytes == before.bytes && after.threads == before.threads, change);
        Check(after.managed - before.managed < 2000 * 24, "an object a task: " + change);
        Check(after.resident - before.resident < 32 << 20, "resident memory: " + change);
        Console.WriteLine(change);
    }

    private static void Collect()
    {
        for (int i = 0; i < 3; ++i)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    /// <summary>Sessions and bytes of the library, threads of this process, bytes of its objects and in memory.</summary>
    private static (int sessions, long bytes, int threads, long managed, long resident) Held()
    {
        Collect();
        ModelInfo info = model.GetInfo();
        long resident = long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1]) * 4096;
        return (info.Sessions, info.BytesNow, Directory.GetDirectories("/proc/self/task").Length, GC.GetTotalMemory(true), resident);
    }

    /// <summary>What a callback throws comes out of the call, with its stack; afterwards everything goes on.</summary>
    private static Task Exceptions()
    {
        using Session session = model.CreateSession();
        string whole = session.Complete("Callbacks", Short()).Text;
        var saved = new MemoryStream();
        session.Save(saved);
        var source = new Broken();
        source.SetLength(saved.Length);
        for (int i = 0; i < 100; ++i)
        {
            Throws(() => session.Save(new Broken()), "Broken.Write");
            Throws(() => session.Restore(source), "Broken.Read");
            Throws(() => Model.Load(source), "Broken.Read");
            Throws(() => SnapshotInfo.Read(source), "Broken.Read");
            Throws(() => model.GenerateBatch(new Prompt[] { "a", "b" }, Short(4), onChunk: _ => throw new InvalidDataException("batch")), "Exceptions");
            Throws(() => session.BeamSearch("Callbacks", new BeamOptions { MaxTokens = 2, Progress = new Direct(_ => throw new InvalidDataException("beam")) }), "Exceptions");
            var options = Short(4);
            options.PrefillProgress = new Direct(_ => throw new InvalidDataException("prefill"));
            session.Reset();
            Throws(() => session.Complete("Callbacks", options), "Exceptions");
        }
        session.Reset();
        Check(session.Complete("Callbacks", Short()).Text == whole, "the answer after 700 exceptions");
        WeakReference[] gone = { Used(session, true), Used(session, false) };
        Collect();
        Check(gone.All(one => !one.IsAlive), "the library has let go of every callback");
        return Task.CompletedTask;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Used(Session session, bool good)
    {
        MemoryStream stream = good ? new MemoryStream() : new Broken();
        if (good) session.Save(stream);
        else Throws(() => session.Save(stream), "Broken.Write");
        return new WeakReference(stream);
    }

    private static void Throws(Action action, string where)
    {
        try
        {
            action();
            Check(false, $"nothing was thrown for {where}");
        }
        catch (InvalidDataException what)
        {
            Check(what.StackTrace.Contains(where), $"no {where} in the stack {what.StackTrace}");
        }
        catch (Exception what)
        {
            Check(false, $"{where}: {what}");
        }
    }

    /// <summary>The collector runs all the time, moves what it can and finalizes sessions and answers that were forgotten.</summary>
    private static async Task Collector()
    {
        string alone = Text("Collect", Short(32));
        using var stop = new CancellationTokenSource();
        Task pressure = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                var waste = new List<byte[]>();
                for (int i = 0; i < 200; ++i) waste.Add(new byte[1000]);
                GC.Collect(2, GCCollectionMode.Forced, true, true);
                GC.WaitForPendingFinalizers();
            }
        });
        for (int round = 0; round < 100; ++round)
        {
            Forget();
            using Session session = model.CreateSession();
            var text = new StringBuilder();
            await foreach (Chunk chunk in session.GenerateAsync("Collect", Short(32))) text.Append(chunk.Text);
            Check(text.ToString() == alone, "a stream while the collector runs");
        }
        stop.Cancel();
        await pressure;
        Collect();
        Check(model.GetInfo().Sessions == 0, $"{model.GetInfo().Sessions} forgotten sessions are left");
    }

    private static void Forget() => model.CreateSession().Start("Forgotten", Short()).TryNext(out _);

    private static async Task Cancels()
    {
        using Session session = slow.CreateSession();
        // Others may have the processors: the limit must be kept in one of three tries.
        TimeSpan limit = TimeSpan.FromMilliseconds(500), worst = limit;
        for (int tries = 1; tries <= 3 && worst >= limit; ++tries)
        {
            worst = await WorstCancel(session);
            Console.WriteLine($"from Cancel to its exception in the caller: {worst.TotalMilliseconds:f1} ms at most");
            if (worst >= limit) Console.WriteLine($"RETRIED cancelling after try {tries} of 3: {worst.TotalMilliseconds:f1} ms");
        }
        Check(worst < limit, $"cancelling took {worst.TotalMilliseconds} ms");
        // Through WithCancellation, in the middle of a stream, by the one who reads it.
        using var reader = new CancellationTokenSource();
        int n = 0;
        try
        {
            await foreach (Chunk _ in session.GenerateAsync("Cancel", Short(1000)).WithCancellation(reader.Token))
                if (++n == 3) reader.Cancel();
            Check(false, "the stream went on");
        }
        catch (RustmlCanceledException what)
        {
            Check(n == 3 && what.Result.GeneratedTokens >= 3, $"{n} tokens came before");
        }
        // A token that lives on holds on to nothing.
        using var life = new CancellationTokenSource();
        for (int i = 0; i < 100; ++i) await session.EvalAsync(new[] { 5 }, null, null, life.Token);
        life.Cancel();
    }

    private static async Task<TimeSpan> WorstCancel(Session session)
    {
        int[] many = Enumerable.Repeat(20, 8000).ToArray();
        var worst = TimeSpan.Zero;
        for (int i = 0; i < 5; ++i)
        {
            using var source = new CancellationTokenSource();
            Task<Completion> work = session.CompleteAsync(Prompt.Tokens(many), null, source.Token);
            await Task.Delay(5 + 10 * i);
            var clock = Stopwatch.StartNew();
            source.Cancel();
            try
            {
                await work;
                Check(false, "a cancelled answer ended well");
            }
            catch (OperationCanceledException what)
            {
                session.Reset();
                Check(what.CancellationToken == source.Token, "the exception has the caller's token");
                Check(((RustmlCanceledException)what).Result == null || ((RustmlCanceledException)what).Result.Finish == FinishReason.Cancelled, "and the result");
            }
            if (clock.Elapsed > worst) worst = clock.Elapsed;
            Check(work.IsCanceled, "the task counts as cancelled");
        }
        return worst;
    }

    private static Task Deadlines()
    {
        using Session session = slow.CreateSession();
        var options = Short(100000);
        options.Timeout = TimeSpan.FromMilliseconds(30);
        GenerationResult late = null;
        // A limit that has passed before the start leaves no result, as on a machine that stood still: up to three tries.
        for (int i = 0; i < 3 && late == null; ++i)
        {
            try
            {
                session.Complete("Time", options);
                Check(false, "an answer beyond its time");
            }
            catch (TimeoutException what)
            {
                late = ((RustmlTimeoutException)what).Result;
            }
        }
        Check(late?.Deadline == DeadlineKind.Total, "which limit it was");
        options.Timeout = Timeout.InfiniteTimeSpan;
        options.FirstTokenTimeout = TimeSpan.MaxValue;
        options.MaxTokens = 4;
        Check(session.Complete("Time", options).Result.GeneratedTokens == 4, "an infinite limit");
        return Task.CompletedTask;
    }

    /// <summary>Streams that cannot seek, that stand in the middle, that carry an open answer.</summary>
    private static async Task Snapshots()
    {
        using Session session = model.CreateSession();
        string whole = session.Complete("Snapshot", Short()).Text, got = "";
        session.Reset();
        var stream = new MemoryStream();
        stream.Write(new byte[100]);
        using (Generation answer = session.Start("Snapshot", Short()))
        {
            for (int i = 0; i < 5 && answer.TryNext(out Chunk chunk); ++i) got += chunk;
            session.Save(stream);
        }
        Check(stream.Length == 100 + session.GetSnapshotSize() || stream.Length > 100, "it was written behind the position");
        stream.Position = 100;
        SnapshotInfo info = SnapshotInfo.Read(stream);
        Check(info.IsGenerationOpen && info.ModelFingerprint == model.GetInfo().Fingerprint && info.TotalBytes == stream.Length - 100, "its header");
        stream.Position = 100;
        using Session other = model.CreateSession();
        Check((await other.RestoreAsync(new NoSeek(stream))).IsGenerationOpen, "restored from a stream that cannot seek");
        await foreach (Chunk chunk in other.ResumeAsync()) got += chunk;
        Check(got == whole, $"\"{got}\" instead of \"{whole}\"");
        using Session fork = other.Fork();
        Check(fork.GetTokens().SequenceEqual(other.GetTokens()), "a fork has the same tokens");
    }

    private static async Task Misuse()
    {
        Session session = slow.CreateSession();
        var begun = new TaskCompletionSource<bool>();
        using var source = new CancellationTokenSource();
        var options = new GenerationOptions { MaxTokens = 1, PrefillProgress = new Direct(_ => begun.TrySetResult(true)) };
        Task<Completion> running = session.CompleteAsync(Prompt.Tokens(Enumerable.Repeat(20, 4000).ToArray()), options, source.Token);
        await Task.WhenAny(begun.Task, running);
        session.Dispose(); // takes effect when the answer is over
        Check(!running.IsCompleted, "the answer is still running");
        source.Cancel();
        try
        {
            await running;
        }
        catch (OperationCanceledException)
        {
        }
        Expect<ObjectDisposedException>(() => session.GetTokens(), nameof(Session));
        Expect<ObjectDisposedException>(() => session.Complete("x"), nameof(Session));
        Expect<ArgumentException>(() => model.Encode("\ud800"), "");
        Expect<ArgumentOutOfRangeException>(() => model.CreateSession(new SessionOptions { ContextTokens = -1 }), "ContextTokens");
        Expect<ArgumentNullException>(() => Model.Load((string)null), "path");
        Expect<ArgumentNullException>(() => Model.Load((Stream)null), "stream");
        Expect<ArgumentNullException>(() => Model.Plan(null), "path");
        Expect<ArgumentNullException>(() => Model.Quantize(null, "out"), "path");
        Expect<ArgumentNullException>(() => Model.Quantize("in", null), "outPath");
        using (Session unsaved = model.CreateSession())
        {
            Expect<ArgumentNullException>(() => unsaved.Save((string)null), "path");
            Expect<ArgumentNullException>(() => unsaved.Save((Stream)null), "stream");
            Expect<ArgumentNullException>(() => unsaved.Restore((string)null), "path");
            Expect<ArgumentNullException>(() => unsaved.Restore((Stream)null), "stream");
        }
        Expect<RustmlException>(() => Model.Load("/no/such/file.gguf"), "/no/such/file.gguf");
        using Session outlives = model.CreateSession();
        Generation answer = outlives.Start("x", Short());
        outlives.Dispose();
        Check(answer.TryNext(out _), "an answer keeps its session alive");
        answer.Dispose();
        Expect<ObjectDisposedException>(() => answer.TryNext(out _), nameof(Generation));
    }

    private static void Expect<T>(Action action, string says) where T : Exception
    {
        try
        {
            action();
            Check(false, $"no {typeof(T).Name}");
        }
        catch (T what)
        {
            Check(what.Message.Contains(says), $"\"{what.Message}\" does not say {says}");
        }
        catch (Exception what)
        {
            Check(false, $"{what} instead of {typeof(T).Name}");
        }
    }

    private static Task Logs()
    {
        var records = new List<LogRecord>();
        Library.SetLog(record => { lock (records) records.Add(record); }, "debug");
        Text("Log", Short(2));
        Library.SetLog(_ => throw new InvalidOperationException("dropped"), "trace");
        Text("Log", Short(2));
        Library.SetLog(null);
        int n = records.Count;
        Text("Log", Short(2));
        Check(n > 0 && records.Count == n, $"{n} records, {records.Count} after the end");
        Check(records.All(record => record.Component.StartsWith("rustml") && record.Message.Length > 0 && !record.Message.Contains('\n')), "whole lines");
        Check(Library.Version.Contains('.') && Library.BuildJson.StartsWith("{") && File.Exists(Library.Path), "the library says what it is");
        return Task.CompletedTask;
    }

    private static async Task Loads(string path)
    {
        int reports = 0;
        using (Stream file = File.OpenRead(path))
        using (Model again = await Model.LoadAsync(file, progress: new Direct(_ => ++reports)))
            Check(again.GetInfo().Fingerprint == model.GetInfo().Fingerprint && reports > 0, "the same model from a stream, with progress");
        Expect<InvalidDataException>(() => Model.Load(path, null, new Direct(_ => throw new InvalidDataException("progress"))), "progress");
        Expect<OperationCanceledException>(() => Model.Load(path, cancellationToken: new CancellationToken(true)), "cancel");
        MemoryPlan plan = Model.Plan(path);
        Check(plan.TotalBytes > 0 && plan.TotalBytes >= plan.WeightBytes, "a plan");
        for (int i = 0; i < 20; ++i) (await Model.LoadAsync(path)).Dispose();
        Check(model.GetTokenInfo(model.GetInfo().EosId ?? 0).IsStop || model.GetInfo().EosId == null, "the end token stops");
        Check(model.DescribeJson().StartsWith("{") && model.GetTokenBytes(20).Length > 0, "a description");
    }
}
