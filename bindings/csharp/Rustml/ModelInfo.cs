using Rustml.Interop;

namespace Rustml
{
    /// <summary>Facts about a model. Sizes in bytes unless named otherwise.</summary>
    public sealed class ModelInfo
    {
        internal ModelInfo(in rustml_model_info from)
        {
            Architecture = Views.Text(from.architecture);
            Name = Views.Text(from.name);
            SimdTarget = Views.Text(from.simd_target);
            Fingerprint = Model.Fingerprint(from.fingerprint_high, from.fingerprint_low);
            Threads = from.n_threads;
            Layers = (int)from.n_layers;
            Heads = (int)from.n_heads;
            KvHeads = (int)from.n_kv_heads;
            HeadDim = (int)from.head_dim;
            HiddenDim = (int)from.hidden_dim;
            FfnDim = (int)from.ffn_dim;
            VocabSize = (int)from.vocab_size;
            ContextLength = (int)from.context_length;
            Parameters = (long)from.n_parameters;
            WeightBytes = (long)from.weight_bytes;
            BytesNow = (long)from.bytes_now;
            BytesPeak = (long)from.bytes_peak;
            Tensors = (int)from.n_tensors;
            QuantizedLayers = (int)from.n_quantized;
            BosId = from.bos_id < 0 ? (int?)null : from.bos_id;
            EosId = from.eos_id < 0 ? (int?)null : from.eos_id;
            HasChatTemplate = from.has_chat_template != 0;
            Sessions = (int)from.n_sessions;
        }

        public string Architecture { get; }
        public string Name { get; }
        /// <summary>The processor features in use.</summary>
        public string SimdTarget { get; }
        /// <summary>32 hexadecimal digits over weights and architecture.</summary>
        public string Fingerprint { get; }
        public int Threads { get; }
        public int Layers { get; }
        public int Heads { get; }
        public int KvHeads { get; }
        public int HeadDim { get; }
        public int HiddenDim { get; }
        public int FfnDim { get; }
        public int VocabSize { get; }
        /// <summary>Tokens the model was trained for.</summary>
        public int ContextLength { get; }
        public long Parameters { get; }
        public long WeightBytes { get; }
        /// <summary>The library's own accounting: weights, scratch, memory of all sessions.</summary>
        public long BytesNow { get; }
        public long BytesPeak { get; }
        public int Tensors { get; }
        public int QuantizedLayers { get; }
        public int? BosId { get; }
        public int? EosId { get; }
        public bool HasChatTemplate { get; }
        public int Sessions { get; }
    }

    /// <summary>What a token is.</summary>
    public sealed class TokenInfo
    {
        internal TokenInfo(in rustml_token_info from)
        {
            IsSpecial = (from.flags & Native.RUSTML_TOKEN_SPECIAL) != 0;
            IsByte = (from.flags & Native.RUSTML_TOKEN_BYTE) != 0;
            IsUnknown = (from.flags & Native.RUSTML_TOKEN_UNKNOWN) != 0;
            IsStop = (from.flags & Native.RUSTML_TOKEN_STOP) != 0;
            Score = from.score;
        }

        /// <summary>Matched only as a whole.</summary>
        public bool IsSpecial { get; }
        /// <summary>Stands for one raw byte.</summary>
        public bool IsByte { get; }
        public bool IsUnknown { get; }
        /// <summary>Ends an answer.</summary>
        public bool IsStop { get; }
        public float Score { get; }
    }

    /// <summary>What a model and one session would take.</summary>
    public sealed class MemoryPlan
    {
        internal MemoryPlan(in rustml_memory_plan from)
        {
            FileBytes = (long)from.file_bytes;
            WeightBytes = (long)from.weight_bytes;
            ScratchBytes = (long)from.scratch_bytes;
            KvBytes = (long)from.kv_bytes;
            TotalBytes = (long)from.total_bytes;
            ContextTokens = (long)from.context_tokens;
        }

        public long FileBytes { get; }
        public long WeightBytes { get; }
        public long ScratchBytes { get; }
        /// <summary>Of a full context, of <see cref="ContextTokens"/> tokens.</summary>
        public long KvBytes { get; }
        public long TotalBytes { get; }
        public long ContextTokens { get; }
    }
}
