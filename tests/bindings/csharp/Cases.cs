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

// The runner of tests/bindings/cases.json for C#; see tests/bindings/README.md.
internal sealed class Failed : Exception
{
    internal Failed(string what) : base(what) { }
}

/// <summary>One step or other JSON object; every field must be asked for, or Finish says which was not.</summary>
internal sealed class Fields
{
    private readonly Dictionary<string, JsonElement> left = new Dictionary<string, JsonElement>();

    internal Fields(JsonElement from)
    {
        foreach (var one in from.EnumerateObject()) left.Add(one.Name, one.Value);
    }

    internal JsonElement? Take(string name) => left.Remove(name, out JsonElement value) ? value : (JsonElement?)null;
    internal string Text(string name) => Take(name)?.GetString();
    internal long? Long(string name) => Take(name)?.GetInt64();
    internal int? Int(string name) => Take(name)?.GetInt32();
    internal ulong? Bits(string name) => Take(name)?.GetUInt64();
    internal float? Float(string name) => Take(name)?.GetSingle();
    internal bool? Bool(string name) => Take(name)?.GetBoolean();
    internal int[] Ids(string name) => Take(name)?.EnumerateArray().Select(id => id.GetInt32()).ToArray();

    internal int[] Repeated(int[] ids) => Enumerable.Repeat(ids, Int("repeat") ?? 1).SelectMany(id => id).ToArray();

    internal TimeSpan? Span(string name)
    {
        long? ms = Long(name);
        return ms == null ? (TimeSpan?)null : TimeSpan.FromMilliseconds(Math.Max(0, ms.Value)); // below 0 is "already past": so is 0
    }

    internal void Finish()
    {
        if (left.Count > 0) throw new Failed("unknown field " + string.Join(", ", left.Keys));
    }
}

internal sealed class Cases
{
    private readonly JsonElement root;
    private readonly Func<string, string> place;
    private readonly Dictionary<string, Model> models = new Dictionary<string, Model>();

    private Cases(JsonElement root, Func<string, string> place) => (this.root, this.place) = (root, place);

    private static async Task<int> Main(string[] arguments)
    {
        var given = new Dictionary<string, string>();
        for (int i = 0; i + 1 < arguments.Length; i += 2) given.Add(arguments[i], arguments[i + 1]);
        Func<string, string> place = path => path.Replace("{data}", given["--data"]).Replace("{work}", given["--work"]).Replace("{out}", given["--out"]);
        Console.OutputEncoding = new UTF8Encoding(false);
        using var json = JsonDocument.Parse(File.ReadAllBytes(given["--cases"]));
        var cases = new Cases(json.RootElement, place);
        if (given.TryGetValue("--write", out string folder)) return cases.Write(folder);
        if (given.TryGetValue("--read", out folder)) return await cases.Read(folder);
        int failures = 0;
        foreach (JsonElement one in json.RootElement.GetProperty("cases").EnumerateArray())
        {
            string name = one.GetProperty("name").GetString();
            if (given.TryGetValue("--only", out string only) && !name.Contains(only)) continue;
            failures += await cases.Run(name, one) ? 0 : 1;
        }
        foreach (Model model in cases.models.Values) model.Dispose();
        return failures == 0 ? 0 : 1;
    }

    private Model ModelOf(string name)
    {
        if (!models.TryGetValue(name, out Model model))
            models.Add(name, model = Model.Load(place(root.GetProperty("models").GetProperty(name).GetString())));
        return model;
    }

    private static SessionOptions Options(JsonElement from)
    {
        var fields = new Fields(from);
        string kv = fields.Text("kv_type");
        var options = new SessionOptions
        {
            KvType = kv == null ? (KvType?)null : Enum.Parse<KvType>(kv),
            ContextTokens = fields.Long("context_tokens"),
            MemoryLimitBytes = fields.Long("memory_limit_bytes"),
        };
        fields.Finish();
        return options;
    }

    private async Task<bool> Run(string name, JsonElement one)
    {
        int at = 0;
        try
        {
            SessionOptions how = Options(one.GetProperty("session"));
            Model model = ModelOf(one.GetProperty("model").GetString());
            using var session = model.CreateSession(how);
            var steps = new Steps(model, session, how, place, ModelOf);
            foreach (JsonElement step in one.GetProperty("steps").EnumerateArray())
            {
                ++at;
                await steps.Run(new Fields(step));
            }
            Console.WriteLine($"ok {name}");
            return true;
        }
        catch (Exception what)
        {
            Console.WriteLine($"FAILED {name}: step {at}: {(what is Failed ? what.Message : what.ToString())}");
            return false;
        }
    }

    // ---------------------------------------------------------------------------------- snapshots between languages

    private IEnumerable<(string Name, Session Session, Fields Fields)> Exchange()
    {
        foreach (JsonElement one in root.GetProperty("exchange").EnumerateArray())
        {
            var fields = new Fields(one);
            using var session = ModelOf(fields.Text("model")).CreateSession(new SessionOptions { KvType = KvType.F32 });
            yield return (fields.Text("name"), session, fields);
        }
    }

    private int Write(string folder)
    {
        foreach (var (name, session, fields) in Exchange())
        {
            int after = fields.Int("save_after").Value;
            fields.Take("want_ids");
            var ids = new List<int>();
            var text = new StringBuilder();
            using Generation answer = session.Start(Prompt.Tokens(fields.Ids("ids")), Steps.Generation(fields));
            fields.Finish();
            while (answer.TryNext(out Chunk chunk))
            {
                if (ids.Count >= after) text.Append(chunk.Text);
                if (chunk.IsEnd) continue;
                ids.Add(chunk.TokenId);
                if (ids.Count == after) session.Save(Path.Combine(folder, name + ".snapshot"));
            }
            Console.WriteLine($"PUBLISH exchange {name} {JsonSerializer.Serialize(ids)}");
            Console.WriteLine($"PUBLISH exchange text {name} {JsonSerializer.Serialize(text.ToString())}");
            Console.WriteLine($"ok {name}");
        }
        return 0;
    }

    private async Task<int> Read(string folder)
    {
        foreach (var (name, session, _) in Exchange())
        {
            var ids = new List<int>();
            var text = new StringBuilder();
            using (Stream file = File.OpenRead(Path.Combine(folder, name + ".snapshot"))) await session.RestoreAsync(file);
            await foreach (Chunk chunk in session.ResumeAsync())
            {
                text.Append(chunk.Text);
                if (!chunk.IsEnd) ids.Add(chunk.TokenId);
            }
            Console.WriteLine($"PUBLISH exchange tail {name} {JsonSerializer.Serialize(ids)}");
            Console.WriteLine($"PUBLISH exchange text {name} {JsonSerializer.Serialize(text.ToString())}");
            Console.WriteLine($"ok {name}");
        }
        return 0;
    }
}
