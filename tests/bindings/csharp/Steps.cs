using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Rustml;

/// <summary>The steps of one case, on one session.</summary>
internal sealed class Steps
{
    private readonly Model model;
    private readonly Session session;
    private readonly SessionOptions options;
    private readonly Func<string, string> place;
    private readonly Func<string, Model> modelOf;
    private readonly Dictionary<string, List<int>> saved = new Dictionary<string, List<int>>();
    private Stopwatch clock;

    internal Steps(Model model, Session session, SessionOptions options, Func<string, string> place, Func<string, Model> modelOf) =>
        (this.model, this.session, this.options, this.place, this.modelOf) = (model, session, options, place, modelOf);

    private static void Want(bool good, string what)
    {
        if (!good) throw new Failed(what);
    }

    private static void WantSame<T>(IEnumerable<T> want, IEnumerable<T> got, string what)
    {
        if (want != null && !want.SequenceEqual(got)) throw new Failed($"{what}: [{string.Join(", ", got)}] instead of [{string.Join(", ", want)}]");
    }

    internal static string StatusOf(Exception what)
    {
        Status status = what switch
        {
            null => Status.Ok,
            RustmlException one => one.Status,
            OperationCanceledException _ => Status.Cancelled,
            TimeoutException _ => Status.DeadlineExceeded,
            ObjectDisposedException _ => Status.InvalidHandle,
            _ => throw new Failed("an exception without a status: " + what),
        };
        return string.Concat(status.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? "_" + c : "" + char.ToUpperInvariant(c)));
    }

    internal async Task Run(Fields step)
    {
        string op = step.Text("op"), status = step.Text("status") ?? "OK", message = step.Text("message");
        long? within = step.Long("within_ms");
        Exception failure = null;
        clock = Stopwatch.StartNew();
        try
        {
            await Do(op, step);
        }
        catch (Exception what) when (!(what is Failed))
        {
            failure = what;
        }
        long took = clock.ElapsedMilliseconds;
        Want(StatusOf(failure) == status, $"{op}: {StatusOf(failure)} ({failure?.Message}) instead of {status}");
        Want(message == null || failure.Message.Contains(message), $"{op}: \"{failure?.Message}\" does not say \"{message}\"");
        Want(within == null || took <= within, $"{op} took {took} ms, wanted at most {within} ms");
        if (failure == null) step.Finish();
    }

    internal static GenerationOptions Generation(Fields step)
    {
        string onStop = step.Text("on_stop");
        var options = new GenerationOptions
        {
            StopStrings = step.Take("stop_strings")?.EnumerateArray().Select(one => one.GetString()).ToArray(),
            StopIds = step.Ids("stop_ids"),
            OnStop = onStop == null ? (OnStop?)null : Enum.Parse<OnStop>(onStop, true),
            Timeout = step.Span("timeout_ms"),
            FirstTokenTimeout = step.Span("first_token_timeout_ms"),
        };
        StepNumbers.Set(options, step);
        return options;
    }

    private static CancellationToken Token(Fields step) => new CancellationToken(step.Bool("cancelled") ?? false);

    private async Task Do(string op, Fields step)
    {
        switch (op)
        {
            case "open":
            case "info":
            case "encode":
            case "decode":
            case "chat_format":
                await OfModel(op, step);
                break;
            case "eval":
                await session.EvalAsync(step.Repeated(step.Ids("ids")), null, step.Span("timeout_ms"), Token(step));
                Position(step, session);
                break;
            case "logits":
                float[] logits = await session.GetLogitsAsync(null, step.Span("timeout_ms"), Token(step));
                Want((step.Int("want_size") ?? logits.Length) == logits.Length, $"size {logits.Length}");
                int best = Array.IndexOf(logits, logits.Max());
                Want((step.Int("want_best") ?? best) == best, $"best {best}");
                break;
            case "generate":
                await Generate(step);
                break;
            case "while_open":
                using (Generation answer = session.Start(Prompt.Tokens(step.Ids("ids"))))
                {
                    answer.TryNext(out _);
                    session.Eval(new[] { 5 });
                }
                break;
            case "after_close":
                Session closed = model.CreateSession(options);
                closed.Dispose();
                closed.GetTokens();
                break;
            case "cancel_in":
                await CancelIn(step);
                break;
            case "busy":
                await Busy(step);
                break;
            case "callback_stop":
                CallbackStop(step.Ids("ids"), (BatchAction)step.Int("value").Value);
                break;
            case "callback_panic":
                Panic(step.Ids("ids"), step.Int("times").Value);
                break;
            case "batch":
                await Batch(step);
                break;
            case "beams":
                Beams(step);
                break;
            case "tokens":
                WantSame(step.Ids("want_ids"), session.GetTokens(), "tokens");
                break;
            case "reset":
                session.Reset();
                break;
            case "rewind":
                session.Rewind(step.Long("n").Value);
                Position(step, session);
                break;
            case "snapshot":
                await Snapshot(step);
                break;
            case "save":
                await session.SaveAsync(place(step.Text("path")));
                break;
            case "load":
                await session.RestoreAsync(place(step.Text("path")));
                break;
            default:
                throw new Failed("unknown op " + op);
        }
    }

    /// <summary>The steps that need no session.</summary>
    private async Task OfModel(string op, Fields step)
    {
        switch (op)
        {
            case "open":
                (await Model.LoadAsync(place(step.Text("path")), new ModelOptions
                {
                    MemoryLimitBytes = step.Long("memory_limit_bytes"),
                    Threads = step.Int("n_threads"),
                    Timeout = step.Span("timeout_ms"),
                }, null, Token(step))).Dispose();
                break;
            case "info":
                ModelInfo info = model.GetInfo();
                Want((step.Int("want_vocab_size") ?? info.VocabSize) == info.VocabSize, $"vocab_size {info.VocabSize}");
                Want((step.Bool("want_chat_template") ?? info.HasChatTemplate) == info.HasChatTemplate, "has_chat_template");
                break;
            case "encode":
                WantSame(step.Ids("want_ids"), model.Encode(step.Text("text"), parseSpecial: step.Bool("parse_special") ?? false), "ids");
                break;
            case "decode":
                WantSame(step.Text("want_text"), model.Decode(step.Ids("ids"), step.Bool("skip_special") ?? false), "text");
                break;
            case "chat_format":
                WantSame(step.Text("want_text"),
                         model.FormatChatJson(step.Take("messages").Value.GetRawText(), step.Bool("add_generation_prompt") ?? true), "text");
                break;
        }
    }

    private void CallbackStop(int[] ids, BatchAction value)
    {
        try
        {
            model.GenerateBatch(new[] { Prompt.Tokens(ids) }, onChunk: _ => value);
        }
        catch (RustmlException stop) when (stop.Status == Status.CallbackStop)
        {
            Want(stop.CallbackValue == (int)value, $"callback value {stop.CallbackValue}");
            throw;
        }
    }

    private async Task Batch(Fields step)
    {
        var answers = await model.GenerateBatchAsync(step.Take("prompts").Value.EnumerateArray().Select(Prompts).ToArray(), Generation(step), options);
        foreach (BatchAnswer answer in answers) answer.EnsureSuccess();
        JsonElement[] all = step.Take("want_all")?.EnumerateArray().ToArray();
        for (int i = 0; all != null && i < answers.Count; ++i)
            WantSame(all[i].EnumerateArray().Select(id => id.GetInt32()), answers[i].TokenIds, $"answer {i}");
    }

    private static Prompt Prompts(JsonElement ids) => Prompt.Tokens(ids.EnumerateArray().Select(id => id.GetInt32()).ToArray());

    private static void Position(Fields step, Session of)
    {
        long? want = step.Long("want_position");
        if (want != null) Want(of.GetInfo().Position == want, $"position {of.GetInfo().Position} instead of {want}");
    }

    private async Task Generate(Fields step)
    {
        int[] given = step.Ids("ids");
        string plain = step.Text("text"), messages = step.Take("messages")?.GetRawText();
        Prompt prompt = given != null ? Prompt.Tokens(step.Repeated(given)) : plain != null ? plain : Prompt.ChatJson(messages);
        int? stopAfter = step.Int("break_after");
        int[] want = step.Ids("want_ids");
        var ids = new List<int>();
        var text = new StringBuilder();
        GenerationResult result = null;
        try
        {
            await foreach (Chunk chunk in session.GenerateAsync(prompt, Generation(step), Token(step)))
            {
                text.Append(chunk.Text);
                result = chunk.Result;
                if (!chunk.IsEnd) ids.Add(chunk.TokenId);
                if (ids.Count == stopAfter) break;
            }
        }
        finally
        {
            WantSame(want, ids, "ids");
        }
        WantSame(step.Text("want_text"), text.ToString(), "text");
        string finish = step.Text("want_finish"), key;
        Want(finish == null || result.Finish.ToString().ToUpperInvariant() == finish.Replace("_", ""), $"finish {result?.Finish} instead of {finish}");
        Want((step.Long("want_prompt_tokens") ?? result?.PromptTokens) == result?.PromptTokens, $"{result?.PromptTokens} prompt tokens");
        Want((step.Long("want_skipped_at_least") ?? 0) <= (result?.PrefillTokensSkipped ?? 0), $"{result?.PrefillTokensSkipped} tokens skipped");
        if ((key = step.Text("same_as")) != null) WantSame(saved[key], ids, "same ids");
        if ((key = step.Text("differs_from")) != null) Want(!saved[key].SequenceEqual(ids), "the same ids as " + key);
        if ((key = step.Text("save_as")) != null) saved[key] = ids;
        if ((key = step.Text("publish")) != null) Console.WriteLine($"PUBLISH {key} {JsonSerializer.Serialize(ids)}");
    }

    private async Task CancelIn(Fields step)
    {
        using var source = new CancellationTokenSource();
        string call = step.Text("call");
        int after = step.Int("after_ms").Value;
        int[] ids = step.Repeated(step.Ids("ids"));
        Task work = call == "generate" ? session.CompleteAsync(Prompt.Tokens(ids), null, source.Token)
                    : call == "eval" ? session.EvalAsync(ids, null, null, source.Token) : LogitsUntilError(ids, source.Token);
        await Task.Delay(after);
        clock.Restart();
        source.Cancel();
        await work;
    }

    /// <summary>Asks for logits while another session keeps the threads busy with <paramref name="ids"/>.</summary>
    private async Task LogitsUntilError(int[] ids, CancellationToken token)
    {
        using Session beside = model.CreateSession(options);
        Task other = beside.EvalAsync(ids, null, null, token);
        try
        {
            await Task.Delay(10);
            while (true) await session.GetLogitsAsync(null, null, token);
        }
        finally
        {
            await Task.WhenAny(other);
        }
    }

    private async Task Busy(Fields step)
    {
        using var source = new CancellationTokenSource();
        int[] ids = step.Repeated(step.Ids("ids"));
        Task other = Task.Run(async () =>
        {
            while (true)
            {
                try
                {
                    await session.EvalAsync(ids, null, null, source.Token);
                    return;
                }
                catch (RustmlException what) when (what.Status == Status.Busy)
                {
                    // the calls below are first
                }
            }
        });
        try
        {
            for (; !other.IsCompleted; await Task.Delay(1))
            {
                try
                {
                    session.Reset(); // the other one needs the room
                }
                catch (RustmlException what) when (what.Status == Status.Busy)
                {
                }
                session.Eval(new[] { 5 });
            }
        }
        finally
        {
            source.Cancel();
            try
            {
                await other;
            }
            catch (OperationCanceledException)
            {
            }
        }
    }

    private sealed class Thrower : IProgress<RustmlProgress>
    {
        internal Exception What;

        public void Report(RustmlProgress value) => Throw(What);
    }

    /// <summary>The innermost frame. Those around it may be gone: what ends with a call becomes a jump once the compiler has optimized it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static BatchAction Throw(Exception what) => throw what;

    private void Panic(int[] ids, int times)
    {
        for (int i = 0; i < times; ++i)
        {
            var mine = new InvalidOperationException("mine " + i);
            try
            {
                if (i % 2 == 0) model.GenerateBatch(new[] { Prompt.Tokens(ids) }, onChunk: _ => Throw(mine));
                else session.BeamSearch(Prompt.Tokens(ids), new BeamOptions { MaxTokens = 2, Progress = new Thrower { What = mine } });
                throw new Failed("nothing was thrown");
            }
            catch (InvalidOperationException what)
            {
                Want(ReferenceEquals(what, mine), "another exception: " + what);
                Want(what.StackTrace.Contains("Steps.Throw("), "the stack is lost: " + what.StackTrace);
            }
        }
    }

    private void Beams(Fields step)
    {
        JsonElement[] want = step.Take("want_beams")?.EnumerateArray().ToArray();
        IReadOnlyList<Beam> got = session.BeamSearch(Prompt.Tokens(step.Ids("ids")), new BeamOptions
        {
            Width = step.Int("width"),
            NBest = step.Int("n_best"),
            LengthPenalty = step.Float("length_penalty"),
            EarlyStopping = (EarlyStopping?)step.Int("early_stopping"),
            MaxTokens = step.Long("max_tokens"),
            StopIds = step.Ids("stop_ids"),
            IgnoreEos = step.Bool("ignore_eos"),
        });
        if (want == null) return;
        Want(want.Length == got.Count, $"{got.Count} beams");
        for (int i = 0; i < want.Length; ++i)
        {
            var one = new Fields(want[i]);
            WantSame(one.Ids("ids"), got[i].TokenIds, $"beam {i}");
            int? stop = one.Int("stop_id");
            float? score = one.Float("score");
            Want(stop == null || stop == (got[i].StopId ?? -1), $"beam {i}: stop id {got[i].StopId}");
            Want(score == null || Math.Abs(score.Value - got[i].Score) < 1e-3, $"beam {i}: score {got[i].Score}");
            one.Finish();
        }
    }

    private async Task Snapshot(Fields step)
    {
        var stream = new MemoryStream();
        await session.SaveAsync(stream);
        byte[] bytes = stream.ToArray();
        Want(session.GetSnapshotSize() == bytes.Length, "snapshot size");
        int flip = step.Int("flip") ?? int.MaxValue;
        if (flip != int.MaxValue) bytes[flip < 0 ? bytes.Length + flip : flip] ^= 0xFF;
        string into = step.Text("into");
        Session target = into == null ? session : modelOf(into).CreateSession(options);
        try
        {
            await target.RestoreAsync(new MemoryStream(bytes, 0, bytes.Length - (step.Int("cut") ?? 0)));
            Position(step, target);
        }
        finally
        {
            if (into != null) target.Dispose();
        }
    }
}
