/* rustml.h: run a language model inside your program, on its processor.
 *
 *   rustml_model      weights and tokenizer of one model; immutable, any number of threads may use it at once
 *   rustml_session    one conversation: its tokens and KV cache; one call at a time
 *   rustml_generation one answer being produced on a session; one call at a time
 *   rustml_cancel     a flag that stops calls from any thread or signal handler
 *   rustml_error      what went wrong; immutable
 *
 * The ABI is frozen as 1.0. A later 1.x may add functions, constants, and fields at the end of structs, nothing else: a
 * program built for an older header keeps running. So skip event kinds that you do not know, and take any unknown
 * status for a failure.
 *
 * Handles are values below 2^53, not addresses, so a host may keep them as doubles. A function that returns a handle gives you a
 * reference to it; release it once. `_retain` adds a reference and returns its argument (NULL if invalid). `_release` gives one back and
 * returns RUSTML_OK (also for NULL) or RUSTML_INVALID_HANDLE: in any order, on any thread, without waiting. A session keeps its model
 * alive, a generation its session. A handle that is NULL, released, of another type, or of another copy of the library is refused with
 * RUSTML_INVALID_HANDLE; it is never undefined behaviour.
 *
 * Threads: every function may be called on any thread. A session runs one call at a time, calls on its generation included; a
 * second call, also from a callback of the first, returns RUSTML_BUSY at once. While a call runs, other threads and its callbacks may call
 * on the same objects: every function that takes the object as a pointer to const (a model, an error, rustml_cancel_is_triggered,
 * rustml_session_get_info), every `_retain` and `_release`, rustml_cancel_trigger, and all other functions on the session's model, for
 * example rustml_session_create.
 *
 * Every function that can fail returns a RUSTML_* status and takes `rustml_error **error` last. It may be NULL. It is set to NULL on
 * entry, and to an error object only on failure: release that. A handle returned through `*out` is NULL after any failure. Any call may
 * return RUSTML_INVALID_ARGUMENT, RUSTML_INVALID_HANDLE, RUSTML_RESOURCE_EXHAUSTED (memory), RUSTML_INTERNAL and RUSTML_FORKED; calls on
 * sessions and generations RUSTML_BUSY and RUSTML_POISONED; calls with `rustml_call_options` RUSTML_CANCELLED, RUSTML_DEADLINE_EXCEEDED
 * and RUSTML_CALLBACK_STOP. Other statuses are named at the function.
 *
 * Text is UTF-8 with an explicit length in bytes; RUSTML_NUL_TERMINATED lets C pass a plain string; NULL with length 0 is empty. Paths
 * are UTF-8 on every system. Functions that fill your buffer take (buf, capacity, needed), counted in elements (bytes for text), and write
 * no NUL. With NULL and capacity 0 they return RUSTML_OK and the size in *needed. If the buffer is too small, they return
 * RUSTML_BUFFER_TOO_SMALL, set *needed and write nothing. `needed` is never NULL. Before a call returns, the library has copied what its
 * arguments point at.
 *
 * Structs begin with `struct_size`. If you fill a struct in, call `<struct>_init(&options, sizeof options)` first, then set what you
 * need; NULL for an options argument means defaults. Reserved fields and unused flags must be 0. If a call fills a struct, set
 * `struct_size = sizeof` yourself; the call sets bytes beyond the library's fields to zero. A field counts only if it lies wholly inside
 * struct_size (8 to 65,536). Bytes beyond what the library knows must be zero, otherwise the call returns RUSTML_INVALID_ARGUMENT: an
 * option that an older library does not have is refused, not ignored.
 *
 * A call needs at most 32 KiB of the calling thread's stack, and what your callbacks need on top. The library's own threads have
 * 256 KiB each, the one that runs a chat template while the call waits 2 MiB.
 *
 * Times are nanoseconds of the clock of rustml_now_ns. Nothing here prints, exits, aborts, installs signal handlers or
 * changes the environment. After fork(), calls on inherited handles return RUSTML_FORKED in the child.
 *
 * One thing changes the process: opening a model whose SIMD target is "amx" (rustml_model_options.simd_target) asks Linux once
 * for permission to use the tile registers. From then on Linux refuses alternate signal stacks (sigaltstack) of less than
 * about 12 kB, on any thread. Name another target where that matters; where such a small stack is in use already, the
 * permission is refused and the next best target taken. */
#ifndef RUSTML_H
#define RUSTML_H

#include <stddef.h>
#include <stdint.h>

/* Readers of headers, as cffi, SWIG and pycparser, bring no limits, and some no attributes: those define RUSTML_API as nothing. */
#if defined(UINTPTR_MAX) && UINTPTR_MAX != 0xFFFFFFFFFFFFFFFFu
#error "librustml supports 64-bit targets only"
#endif

#ifndef RUSTML_API
#if defined(_WIN32) && !defined(RUSTML_STATIC)
#ifdef RUSTML_BUILDING_LIBRARY
#define RUSTML_API __declspec(dllexport)
#else
#define RUSTML_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define RUSTML_API __attribute__((visibility("default")))
#else
#define RUSTML_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------ constants */

/* Version of the ABI that this header describes. */
#define RUSTML_VERSION_MAJOR 1u
#define RUSTML_VERSION_MINOR 0u

/* A length meaning "up to the first NUL byte". */
#define RUSTML_NUL_TERMINATED 0xFFFFFFFFFFFFFFFFu

/* Status of a call. 0 to 16 equal the gRPC codes of the same name. */
#define RUSTML_OK 0                  /* done */
#define RUSTML_CANCELLED 1           /* a cancel handle fired */
#define RUSTML_INVALID_ARGUMENT 3    /* bad option, text, id or struct */
#define RUSTML_DEADLINE_EXCEEDED 4   /* a time limit passed, or a cancel with reason DEADLINE */
#define RUSTML_NOT_FOUND 5           /* no such file; of the hub no such repository or revision */
#define RUSTML_PERMISSION_DENIED 7   /* the file may not be read */
#define RUSTML_RESOURCE_EXHAUSTED 8  /* memory, a memory limit, disk, or a published limit of a file format */
#define RUSTML_FAILED_PRECONDITION 9 /* wrong pairing or order: snapshot of another model, a generation is open, ... */
#define RUSTML_OUT_OF_RANGE 11       /* more tokens than the context holds, a position that is not there */
#define RUSTML_UNIMPLEMENTED 12      /* architecture, type or option not supported; the message names it */
#define RUSTML_INTERNAL 13           /* our mistake; that session is poisoned, others go on */
#define RUSTML_UNAVAILABLE 14        /* network */
#define RUSTML_DATA_LOSS 15          /* a file is truncated, corrupt or hostile */
#define RUSTML_BUSY 100              /* a second call on a session that is running */
#define RUSTML_INVALID_HANDLE 101    /* NULL, released, or of another type */
#define RUSTML_ABI_MISMATCH 102      /* caller and library disagree about the layout of a struct */
#define RUSTML_POISONED 103          /* the session failed internally before; release it */
#define RUSTML_FORKED 104            /* the handle was made before fork() and this is the child */
#define RUSTML_CALLBACK_STOP 105     /* a callback, reader or sink returned non-zero */
#define RUSTML_BUFFER_TOO_SMALL 106  /* no error object; *needed says how much */
#define RUSTML_DONE 107              /* rustml_generation_next: nothing more comes; no error object */

/* rustml_cancel_trigger: why. Any other non-zero value is yours and comes back in rustml_result.cancel_reason. */
#define RUSTML_CANCEL_REASON_USER 1u
/* Stopped calls return RUSTML_DEADLINE_EXCEEDED instead of RUSTML_CANCELLED, and RUSTML_DEADLINE_BY_CANCEL is in the result. */
#define RUSTML_CANCEL_REASON_DEADLINE 2u

/* rustml_model_options.quantize */
#define RUSTML_QUANTIZE_AUTO 0 /* SafeTensors: Q8_0; GGUF: keep the file's types */
#define RUSTML_QUANTIZE_KEEP 1 /* as the file has them */
#define RUSTML_QUANTIZE_Q8_0 2 /* linear layers and the head, where that makes them smaller */
#define RUSTML_QUANTIZE_Q4_0 3 /* likewise */

/* rustml_quantize_options.block_type: the types of ggml with these names */
#define RUSTML_TYPE_F32 1
#define RUSTML_TYPE_F16 2
#define RUSTML_TYPE_BF16 3
#define RUSTML_TYPE_Q8_0 4
#define RUSTML_TYPE_Q5_1 5
#define RUSTML_TYPE_Q5_0 6
#define RUSTML_TYPE_Q4_1 7
#define RUSTML_TYPE_Q4_0 8

/* rustml_session_options.kv_type */
#define RUSTML_KV_F32 1
#define RUSTML_KV_F16 2  /* default */
#define RUSTML_KV_Q8_0 3 /* about half of F16's memory */

/* rustml_model_encode flags */
#define RUSTML_ENCODE_ADD_SPECIAL 1u   /* add BOS/EOS where the model's file says so */
#define RUSTML_ENCODE_PARSE_SPECIAL 2u /* text of special tokens becomes those tokens */
#define RUSTML_ENCODE_STRICT 4u        /* a byte without a token is an error instead of being dropped */

/* rustml_model_decode flags */
#define RUSTML_DECODE_SKIP_SPECIAL 1u /* leave special tokens out of the text */

/* rustml_token_info.flags */
#define RUSTML_TOKEN_SPECIAL 1u /* control or user-defined token, matched only as a whole */
#define RUSTML_TOKEN_BYTE 2u    /* stands for one raw byte */
#define RUSTML_TOKEN_UNKNOWN 4u /* stands for what the vocabulary cannot say */
/* One of the model's own stop tokens: it ends a generation unless ignore_eos is set. They are the end-of-sequence, -turn and
 * -message ids that a GGUF file names; eos_token and all of generation_config.json's eos_token_id beside SafeTensors; and, in any
 * model, special tokens with one of the texts <|im_end|> <|eot_id|> <|eom_id|> <|eot|> <|end|> <|endoftext|> <|end_of_text|>
 * <end_of_turn>. */
#define RUSTML_TOKEN_STOP 8u

/* rustml_prompt.kind */
#define RUSTML_PROMPT_TEXT 0
#define RUSTML_PROMPT_IDS 1
#define RUSTML_PROMPT_MESSAGES 2 /* text is a JSON array of {"role","content",…} in the OpenAI shape */

/* rustml_prompt.flags */
#define RUSTML_PROMPT_PARSE_SPECIAL 1u /* text of special tokens becomes those tokens; TEXT only */
#define RUSTML_PROMPT_NO_BOS 2u        /* do not add BOS where the file says so; TEXT only */

/* rustml_generation_options.on_stop: what a stop of any kind leaves in the session */
#define RUSTML_ON_STOP_KEEP 0     /* exactly rustml_result.tokens_committed tokens */
#define RUSTML_ON_STOP_ROLLBACK 1 /* the position before the call */

/* rustml_event.kind */
#define RUSTML_EVENT_PREFILL 1  /* done of total prompt tokens are evaluated */
#define RUSTML_EVENT_TOKEN 2    /* one sampled token */
#define RUSTML_EVENT_STOPPED 3  /* the end; finish says why; text holds what was held back */
#define RUSTML_EVENT_LOG 4      /* one log record: level, component, text */
#define RUSTML_EVENT_PROGRESS 5 /* done of total bytes or tokens of a long call */
#define RUSTML_EVENT_BEAM 6     /* one hypothesis of a beam search: ids, text, score */

/* In rustml_generate_batch on_event may return this to end one sequence. Any other value but 0 ends all. */
#define RUSTML_CALLBACK_STOP_ONE 1

/* rustml_beam_options.early_stopping: when as many hypotheses as beams are finished, go on while a running beam could still
 * beat the worst of them, ... (transformers' early_stopping) */
#define RUSTML_EARLY_STOPPING_HEURISTIC 0 /* scored at its present length (False) */
#define RUSTML_EARLY_STOPPING_FIRST 1     /* do not go on (True) */
#define RUSTML_EARLY_STOPPING_NEVER 2     /* scored at the longest length it may reach ("never") */

/* rustml_event.finish, rustml_result.finish */
#define RUSTML_FINISH_NONE 0         /* not yet */
#define RUSTML_FINISH_STOP_TOKEN 1   /* the model's own, or one of stop_ids */
#define RUSTML_FINISH_STOP_STRING 2  /* one of stop_strings */
#define RUSTML_FINISH_LENGTH 3       /* max_tokens reached */
#define RUSTML_FINISH_CONTEXT_FULL 4 /* the session's context is full */
#define RUSTML_FINISH_CANCELLED 5    /* a cancel handle fired */
#define RUSTML_FINISH_DEADLINE 6     /* a time limit passed; rustml_result.deadline says which */
#define RUSTML_FINISH_CALLBACK 7     /* on_event returned non-zero */
#define RUSTML_FINISH_CLOSED 8       /* rustml_generation_stop or the last release */
#define RUSTML_FINISH_ERROR 9        /* a failure; status says which */

/* rustml_result.deadline: which one passed */
#define RUSTML_DEADLINE_NONE 0
#define RUSTML_DEADLINE_TOTAL 1       /* deadline_ns */
#define RUSTML_DEADLINE_FIRST_TOKEN 2 /* first_token_deadline_ns */
#define RUSTML_DEADLINE_STALL 3       /* stall_timeout_ns */
#define RUSTML_DEADLINE_BY_CANCEL 4   /* a cancel with reason DEADLINE */

/* rustml_event.level of LOG events */
#define RUSTML_LOG_ERROR 1
#define RUSTML_LOG_WARN 2
#define RUSTML_LOG_INFO 3
#define RUSTML_LOG_DEBUG 4
#define RUSTML_LOG_TRACE 5

/* ---------------------------------------------------------------------------------------------------- types */

typedef struct rustml_model rustml_model;
typedef struct rustml_session rustml_session;
typedef struct rustml_generation rustml_generation;
typedef struct rustml_cancel rustml_cancel;
typedef struct rustml_error rustml_error;

/* A text and its length. This struct and the next two have no struct_size and never grow. */
typedef struct rustml_text {
  const char *ptr; /* UTF-8; NULL: empty */
  uint64_t len;    /* bytes, or RUSTML_NUL_TERMINATED */
} rustml_text;

/* One entry of rustml_generation_options.logit_bias. */
typedef struct rustml_logit_bias {
  int32_t id; /* a token */
  float bias; /* added to the token's logit; -INFINITY forbids it */
} rustml_logit_bias;

/* One entry of rustml_event.top. */
typedef struct rustml_token_logprob {
  int32_t id;    /* a token */
  float logprob; /* natural log of the probability under the model's own softmax */
} rustml_token_logprob;

/* What happens, in callbacks and from rustml_generation_next. Pointers are views: valid until the callback returns or
 * until the next call on that generation by any thread, its release included. In a callback struct_size says how much
 * the library has filled in: look before you read a field that came with a later header than 1.0. */
typedef struct rustml_event {
  uint32_t struct_size;
  int32_t kind;                    /* RUSTML_EVENT_* */
  uint32_t sequence;               /* batches: index of the prompt; BEAM: rank, 0 is the best; else 0 */
  int32_t token_id;                /* TOKEN, or the stop token of STOPPED and BEAM; else -1 */
  uint64_t position;               /* TOKEN: index of the token in the session */
  float logprob;                   /* of token_id; NaN unless logprobs >= 1; BEAM: sum over all its tokens */
  uint32_t n_top;                  /* TOKEN: as many as logprobs asked for */
  const rustml_token_logprob *top; /* the n_top most probable tokens, best first */
  const char *bytes;               /* TOKEN: the token's raw bytes; may end inside a character */
  uint64_t bytes_len;
  const char *text; /* complete UTF-8, lagging by an unfinished character or a possible stop string */
  uint64_t text_len;
  uint64_t done, total;  /* PREFILL: tokens; PROGRESS: bytes of a load or snapshot, tokens of an eval or beam */
  uint64_t time_ns;      /* when it happened; clock of rustml_now_ns */
  int32_t level;         /* LOG: RUSTML_LOG_* */
  int32_t finish;        /* STOPPED, BEAM: RUSTML_FINISH_* */
  const char *component; /* LOG: NUL-terminated, for example "rustml::attn"; else NULL */
  const int32_t *ids;    /* BEAM: the tokens behind the prompt, without the stop token */
  uint64_t n_ids;
  float score; /* BEAM: logprob / n^length_penalty, n counts the stop token */
  uint32_t reserved0;
} rustml_event;

/* One callback shape for everything. on_event runs on the calling thread, during the call, with no lock held. It returns 0 to go
 * on; anything else stops the call. destroy(user_data), if given, runs exactly once for every call that got a readable callback, also when
 * validation fails, before that call returns (a log sink's runs when the sink is replaced). Callbacks must return normally: one that
 * throws a C++ exception counts as -1. The library never looks at user_data. */
typedef struct rustml_callback {
  uint32_t struct_size;
  uint32_t reserved0;
  int32_t (*on_event)(void *user_data, const rustml_event *event); /* 0: go on */
  void *user_data;
  void (*destroy)(void *user_data);
} rustml_callback;

/* Random access to `size` bytes. read_at delivers all of them or returns non-zero. */
typedef struct rustml_reader {
  uint32_t struct_size;
  uint32_t reserved0;
  void *user_data;
  uint64_t size;                                                                 /* bytes there are */
  int32_t (*read_at)(void *user_data, uint64_t offset, void *buf, uint64_t len); /* len bytes from offset into buf; 0: done */
  void (*destroy)(void *user_data);
} rustml_reader;

/* What a snapshot is read from. */
typedef rustml_reader rustml_source;

/* Takes bytes in order. A non-zero return value stops the write. */
typedef struct rustml_sink {
  uint32_t struct_size;
  uint32_t reserved0;
  void *user_data;
  int32_t (*write)(void *user_data, const void *data, uint64_t len); /* 0: all len bytes are taken */
  void (*destroy)(void *user_data);
} rustml_sink;

/* For every call that may take longer than a millisecond. NULL: no limit, no progress. */
typedef struct rustml_call_options {
  uint32_t struct_size;
  uint32_t flags;                  /* 0 */
  rustml_cancel *cancel;           /* NULL: none; one handle may serve many calls */
  uint64_t deadline_ns;            /* absolute; 0: none; UINT64_MAX: never */
  const rustml_callback *progress; /* NULL: none; PROGRESS events, a few a second at most */
} rustml_call_options;

/* What rustml_log_set delivers, and to whom. */
typedef struct rustml_log_options {
  uint32_t struct_size;
  uint32_t reserved0;
  rustml_text filter;              /* RUST_LOG syntax: "info", "rustml=debug,rustml::attn=trace"; empty: "info" */
  const rustml_callback *callback; /* NULL: silent */
} rustml_log_options;

/* How a model is opened. */
typedef struct rustml_model_options {
  uint32_t struct_size;
  uint32_t flags;              /* 0 */
  int32_t n_threads;           /* 0: physical cores this process may use, cgroup quota respected; else 1...256 */
  int32_t quantize;            /* RUSTML_QUANTIZE_* */
  uint32_t warmup;             /* 1: run one token at load so that the first answer is as fast as the next; default 1 */
  uint32_t check_tensors;      /* 1: refuse weights that are NaN or infinite; default 0 */
  uint64_t memory_limit_bytes; /* of weights, scratch and the KV of all sessions together; 0: none */
  rustml_text simd_target;     /* empty: best; else one of rustml_build_json's "simd_targets"; for "amx" see the head */
  uint32_t quantize_min_dim;   /* linear layers whose longer side is at least this are quantized at load; 0: 512 */
  uint32_t reserved0;
} rustml_model_options;

/* What rustml_model_quantize writes. */
typedef struct rustml_quantize_options {
  uint32_t struct_size;
  uint32_t flags;     /* 0 */
  int32_t block_type; /* RUSTML_TYPE_* of the matrices; default Q8_0 */
  uint32_t reserved0;
} rustml_quantize_options;

/* What a model is, and what it takes now. Sizes in bytes unless named otherwise. Texts live as long as the model. */
typedef struct rustml_model_info {
  uint32_t struct_size;
  int32_t n_threads;                                /* that work on it */
  uint32_t n_layers, n_heads, n_kv_heads, head_dim; /* shape of the network; head_dim: floats of one head */
  uint32_t hidden_dim, ffn_dim;                     /* floats between the layers, and inside their feed-forward part */
  uint32_t vocab_size;                              /* tokens */
  uint32_t context_length;                          /* tokens the model was trained for */
  uint64_t n_parameters;                            /* numbers in the tensors it uses */
  uint64_t weight_bytes;                            /* packed weights in memory */
  uint64_t bytes_now, bytes_peak;                   /* the library's own accounting: weights, scratch, KV of all sessions */
  uint64_t fingerprint_low, fingerprint_high;       /* of weights as packed; snapshots fit models of the same one */
  uint32_t n_tensors;                               /* of the file */
  uint32_t n_fused_qkv, n_fused_gate_up;            /* layers whose projections share one pass over the input */
  uint32_t n_quantized;                             /* tensors quantized at load */
  int32_t bos_id, eos_id;                           /* -1: none */
  uint32_t has_chat_template;                       /* 1: RUSTML_PROMPT_MESSAGES works */
  uint32_t n_sessions;                              /* alive now */
  rustml_text architecture, name, simd_target;      /* as the file says, empty if it does not; what the kernels use */
} rustml_model_info;

/* What opening a model and one session would take, before anything is allocated. */
typedef struct rustml_memory_plan {
  uint32_t struct_size;
  uint32_t reserved0;
  uint64_t file_bytes;     /* of all its files */
  uint64_t weight_bytes;   /* packed, in memory */
  uint64_t scratch_bytes;  /* of one pass */
  uint64_t kv_bytes;       /* of a full context */
  uint64_t total_bytes;    /* weights, scratch and KV */
  uint64_t context_tokens; /* the context those KV bytes are for */
} rustml_memory_plan;

/* One token of the vocabulary. */
typedef struct rustml_token_info {
  uint32_t struct_size;
  uint32_t flags; /* RUSTML_TOKEN_* */
  float score;    /* SentencePiece score; 0 otherwise */
  uint32_t reserved0;
} rustml_token_info;

/* How messages become text. */
typedef struct rustml_chat_options {
  uint32_t struct_size;
  uint32_t add_generation_prompt; /* 1: end with the opening of the assistant's turn; default 1 */
} rustml_chat_options;

/* How a session is created. */
typedef struct rustml_session_options {
  uint32_t struct_size;
  int32_t kv_type;             /* RUSTML_KV_*; 0: F16 */
  uint64_t context_tokens;     /* tokens it can hold; 0: the smaller of the model's and 8192, with dynamic or longrope scaling at most
                                * the original context */
  uint64_t memory_limit_bytes; /* of this session's KV; 0: none */
  uint32_t prefill_chunk;      /* prompt tokens per pass, 1...4096; 0: chosen by the library; results do not depend on it */
  uint32_t reserved0;
} rustml_session_options;

/* What a session holds. While a call runs on it, the values are those from when the call began or, for a generation, from its last
 * event. */
typedef struct rustml_session_info {
  uint32_t struct_size;
  uint32_t poisoned;          /* 1: failed internally; release it */
  uint64_t position;          /* tokens in the session */
  uint64_t capacity;          /* tokens it can hold */
  uint64_t rewind_floor;      /* smallest position rustml_session_rewind accepts besides 0 */
  uint64_t kv_bytes_reserved; /* of a full context */
  uint64_t kv_bytes_used;     /* committed now */
  int32_t kv_type;            /* RUSTML_KV_* */
  uint32_t generation_open;   /* 1: a generation is open on it */
} rustml_session_info;

/* What rustml_snapshot_probe finds in a snapshot. */
typedef struct rustml_snapshot_info {
  uint32_t struct_size;
  uint32_t format_version;                                /* of snapshots; counts up */
  uint64_t total_bytes;                                   /* of the snapshot */
  uint64_t n_tokens;                                      /* in the session */
  uint64_t model_fingerprint_low, model_fingerprint_high; /* of the model it fits: those of its rustml_model_info */
  int32_t kv_type;                                        /* RUSTML_KV_* */
  uint32_t generation_open;                               /* 1: carries a generation for rustml_generation_resume */
} rustml_snapshot_info;

/* What a restore brought back. */
typedef struct rustml_restore_info {
  uint32_t struct_size;
  uint32_t generation_open; /* 1: rustml_generation_resume continues it */
  uint64_t n_tokens;        /* tokens now in the session */
  uint64_t tokens_reusable; /* of them already evaluated */
  uint64_t rewind_floor;    /* smallest position a rewind may go to besides 0 */
} rustml_restore_info;

/* A prompt is the whole context, not an addition to it. The tokens at its beginning that the session holds already are not evaluated
 * again. */
typedef struct rustml_prompt {
  uint32_t struct_size;
  int32_t kind;       /* RUSTML_PROMPT_* */
  rustml_text text;   /* TEXT, MESSAGES */
  const int32_t *ids; /* IDS: n_ids tokens */
  uint64_t n_ids;
  uint32_t flags; /* RUSTML_PROMPT_* */
  uint32_t reserved0;
  const rustml_chat_options *chat; /* MESSAGES; NULL: defaults */
} rustml_prompt;

/* How a generation samples and stops. Filters run in this order: logit bias, repetition, presence and frequency penalties, temperature,
 * top-k, typical, top-p, min-p; then a token is drawn. Equal tokens are ordered by id. A filter always leaves one token. */
typedef struct rustml_generation_options {
  uint32_t struct_size;
  uint32_t flags;                      /* 0 */
  uint64_t max_tokens;                 /* 0: until the context is full */
  uint64_t seed;                       /* same seed, model and options: same tokens */
  float temperature;                   /* >= 0; 0: greedy (default), penalties still apply */
  int32_t top_k;                       /* >= 0; 0: off (default) */
  float top_p;                         /* (0, 1]; 1: off (default) */
  float min_p;                         /* [0, 1]; 0: off (default) */
  float typical_p;                     /* (0, 1]; 1: off (default) */
  float repetition_penalty;            /* > 0; 1: off (default) */
  float presence_penalty;              /* [-100, 100]; 0: off (default) */
  float frequency_penalty;             /* [-100, 100]; 0: off (default) */
  uint32_t repetition_window;          /* penalties look at this many last tokens, prompt included; 0: all (default) */
  uint32_t logprobs;                   /* 0: none; n: logprob of the token and the n best, at most 100 */
  const rustml_logit_bias *logit_bias; /* n_logit_bias entries; NULL: none */
  uint64_t n_logit_bias;
  const rustml_text *stop_strings; /* non-empty; their text is not delivered */
  uint64_t n_stop_strings;
  const int32_t *stop_ids; /* besides the model's own */
  uint64_t n_stop_ids;
  uint32_t ignore_eos;     /* 1: the model's own stop tokens are ordinary tokens */
  int32_t on_stop;         /* RUSTML_ON_STOP_* */
  uint32_t prefill_events; /* 1: PREFILL events too */
  uint32_t reserved0;
  rustml_cancel *cancel;            /* retained while the generation lives */
  uint64_t deadline_ns;             /* absolute, of the whole generation; 0: none; UINT64_MAX: never */
  uint64_t first_token_deadline_ns; /* absolute; likewise */
  uint64_t stall_timeout_ns;        /* longest time without progress inside calls; 0: none */
  /* Guesses the next tokens from where the last ones occurred before, this many at a time, at most 16; 0: off (default).
   * Makes answers that repeat parts of their prompt faster; tokens, events and state are exactly those without it. */
  uint32_t prompt_lookup;
  uint32_t reserved1;
} rustml_generation_options;

/* How rustml_beam_search searches. */
typedef struct rustml_beam_options {
  uint32_t struct_size;
  uint32_t flags;          /* 0 */
  uint32_t width;          /* beams followed together, 1...64; default 4 */
  uint32_t n_best;         /* hypotheses delivered, 1...width; default 1 */
  float length_penalty;    /* [-10, 10]; above 0 favours longer hypotheses; 0: off; default 1 */
  int32_t early_stopping;  /* RUSTML_EARLY_STOPPING_* */
  uint64_t max_tokens;     /* 0: until the context is full */
  const int32_t *stop_ids; /* besides the model's own */
  uint64_t n_stop_ids;
  uint32_t ignore_eos;              /* 1: the model's own stop tokens are ordinary tokens */
  int32_t on_stop;                  /* RUSTML_ON_STOP_* */
  uint32_t prefill_events;          /* 1: PREFILL events too */
  uint32_t progress_events;         /* 1: a PROGRESS event after every step */
  rustml_cancel *cancel;            /* NULL: none */
  uint64_t deadline_ns;             /* absolute, of the whole search; 0: none; UINT64_MAX: never */
  uint64_t first_token_deadline_ns; /* absolute; likewise */
  uint64_t stall_timeout_ns;        /* longest time without progress; 0: none */
} rustml_beam_options;

/* How a generation went; times in seconds unless named otherwise. */
typedef struct rustml_result {
  uint32_t struct_size;
  int32_t status;                  /* RUSTML_* of the generation; RUSTML_OK while it is open */
  int32_t finish;                  /* RUSTML_FINISH_* */
  int32_t deadline;                /* RUSTML_DEADLINE_* that passed */
  uint32_t cancel_reason;          /* as given to rustml_cancel_trigger */
  int32_t callback_value;          /* what on_event returned */
  uint64_t prompt_tokens;          /* of the whole prompt */
  uint64_t generated_tokens;       /* TOKEN events; beam search: of the best hypothesis */
  uint64_t tokens_committed;       /* tokens now in the session */
  uint64_t prefill_tokens_skipped; /* prompt tokens the session held already */
  uint64_t dropped_bytes;          /* prompt bytes for which the vocabulary has no token */
  double first_token_seconds;      /* time to first token, from start */
  double prefill_seconds;          /* evaluating the prompt */
  double decode_seconds;           /* all after it */
  uint64_t peak_memory_bytes;      /* the model's bytes_peak */
  uint64_t stop_latency_ns;        /* from cancel trigger or deadline to the end of the stopped pass; 0: none */
  uint32_t pieces_after_stop;      /* most pieces of work that one thread began after the trigger; at most 1 */
  uint32_t reserved0;
  uint64_t drafted_tokens;  /* guesses that prompt_lookup had evaluated ... */
  uint64_t accepted_tokens; /* ... and those that came true: so many passes fewer */
} rustml_result;

/* ------------------------------------------------------------------------------------------------- library */

/* The library's ABI: RUSTML_VERSION_MAJOR << 16 | RUSTML_VERSION_MINOR of the header it was built with. */
RUSTML_API uint32_t rustml_abi_version(void);
/* The library's version, "1.0.0"; static. */
RUSTML_API const char *rustml_version(void);
/* Hash of all constants, structs (names, types, offsets, sizes) and signatures of that version, frozen with its release; 0 for
 * a version this library does not know. A binding asks for the version it was made from and refuses another hash. */
RUSTML_API uint64_t rustml_abi_layout_hash(uint32_t major, uint32_t minor);
/* What the hash of this version is made of: JSON with "version", "hash", "constants", "structs", "callbacks", "functions"; static. */
RUSTML_API const char *rustml_abi_layout_json(void);
/* JSON: compiler, dependencies, SIMD targets compiled and usable here, best first, formats; static. For "amx" the system may
 * still refuse its permission when a model is opened. */
RUSTML_API const char *rustml_build_json(void);
/* The monotonic clock of all deadlines. */
RUSTML_API uint64_t rustml_now_ns(void);
/* Now plus `timeout_ns`; saturates; never 0. Negative: already past. */
RUSTML_API uint64_t rustml_deadline_after_ns(int64_t timeout_ns);
/* Sets the process's log sink. NULL or a NULL callback removes it; without a sink nothing is logged. Records are single lines and
 * arrive as LOG events on the thread that called, before its call returns; several threads may deliver at once. The return value of
 * on_event is ignored. Returns RUSTML_INVALID_ARGUMENT for a filter that cannot be read. */
RUSTML_API int32_t rustml_log_set(const rustml_log_options *options, rustml_error **error);

/* Each writes the defaults into `size` bytes and sets struct_size. Returns RUSTML_INVALID_ARGUMENT for NULL or a bad size. */
RUSTML_API int32_t rustml_log_options_init(rustml_log_options *options, uint32_t size);
RUSTML_API int32_t rustml_call_options_init(rustml_call_options *options, uint32_t size);
RUSTML_API int32_t rustml_model_options_init(rustml_model_options *options, uint32_t size);
RUSTML_API int32_t rustml_chat_options_init(rustml_chat_options *options, uint32_t size);
RUSTML_API int32_t rustml_session_options_init(rustml_session_options *options, uint32_t size);
RUSTML_API int32_t rustml_prompt_init(rustml_prompt *prompt, uint32_t size);
RUSTML_API int32_t rustml_generation_options_init(rustml_generation_options *options, uint32_t size);
RUSTML_API int32_t rustml_beam_options_init(rustml_beam_options *options, uint32_t size);
RUSTML_API int32_t rustml_callback_init(rustml_callback *callback, uint32_t size);
RUSTML_API int32_t rustml_reader_init(rustml_reader *reader, uint32_t size);
RUSTML_API int32_t rustml_sink_init(rustml_sink *sink, uint32_t size);
RUSTML_API int32_t rustml_quantize_options_init(rustml_quantize_options *options, uint32_t size);

/* --------------------------------------------------------------------------------------------------- errors */

/* Makes an error object, for libraries built on this one. Copies its texts. detail_json is empty or a JSON object; callback_value is 0
 * unless status is RUSTML_CALLBACK_STOP. Never returns NULL: wrong arguments give an error that says so, exhausted memory a static one. */
RUSTML_API rustml_error *rustml_error_create(int32_t status, const char *message, uint64_t message_len, const char *detail_json,
                                             uint64_t detail_len, int32_t callback_value);
/* The status that the call returned; RUSTML_INVALID_HANDLE for an invalid handle. */
RUSTML_API int32_t rustml_error_code(const rustml_error *error);
/* One line, subject first, with the offending value and its limit. NUL-terminated, never NULL; lives as long as the error. */
RUSTML_API const char *rustml_error_message(const rustml_error *error);
/* Details for programs, a JSON object; "{}" if there are none. NUL-terminated, never NULL; lives as long as the error. */
RUSTML_API const char *rustml_error_detail_json(const rustml_error *error);
/* What the callback, reader or sink returned, for RUSTML_CALLBACK_STOP; else 0. */
RUSTML_API int32_t rustml_error_callback_value(const rustml_error *error);
RUSTML_API int32_t rustml_error_release(rustml_error *error);

/* --------------------------------------------------------------------------------------------------- cancel */

/* Creates a cancel handle. Give it to calls in their options; release it when no call needs it any more. */
RUSTML_API int32_t rustml_cancel_create(rustml_cancel **out, rustml_error **error);
/* Stops every call this handle is attached to, now and later, until reset. `reason` is RUSTML_CANCEL_REASON_* or your own,
 * not 0. Async-signal-safe, any thread, idempotent: the first reason stays. */
RUSTML_API int32_t rustml_cancel_trigger(rustml_cancel *cancel, uint32_t reason);
/* Makes the handle as new. Returns RUSTML_BUSY while it is attached to a running call. */
RUSTML_API int32_t rustml_cancel_reset(rustml_cancel *cancel, rustml_error **error);
/* 1 if triggered, else 0 (also for an invalid handle). */
RUSTML_API uint32_t rustml_cancel_is_triggered(const rustml_cancel *cancel);
RUSTML_API rustml_cancel *rustml_cancel_retain(rustml_cancel *cancel);
RUSTML_API int32_t rustml_cancel_release(rustml_cancel *cancel);

/* ---------------------------------------------------------------------------------------------------- model */

/* Limits of files; a file beyond one is refused with RUSTML_RESOURCE_EXHAUSTED. GGUF: 65,536 keys and tensors, keys 65,535 bytes, strings
 * 16 MiB, arrays 16 Mi items, names 63 bytes, 4 dimensions of 2^40, alignment 65,536, 4,096 parts. SafeTensors: header 32 MiB,
 * 65,536 tensors, names 4,096 bytes, 8 dimensions, 4,096 shards; index 64 MiB, tokenizer.json 256 MiB, other texts 4 MiB; JSON
 * depth 64, 8 Mi values. */

/* Opens a GGUF file (any part of a split one), or a Hugging Face directory with config.json and SafeTensors. Files are read, checked
 * and packed into the library's own memory; nothing stays open or mapped. */
RUSTML_API int32_t rustml_model_open(const char *path, uint64_t path_len, const rustml_model_options *options, rustml_model **out,
                                     const rustml_call_options *call, rustml_error **error);
/* Opens a GGUF file in memory; `data` is needed only during the call. */
RUSTML_API int32_t rustml_model_open_memory(const void *data, uint64_t len, const rustml_model_options *options, rustml_model **out,
                                            const rustml_call_options *call, rustml_error **error);
/* Opens a GGUF file through a reader, which is called on the calling thread only. */
RUSTML_API int32_t rustml_model_open_reader(const rustml_reader *reader, const rustml_model_options *options, rustml_model **out,
                                            const rustml_call_options *call, rustml_error **error);
RUSTML_API rustml_model *rustml_model_retain(rustml_model *model);
RUSTML_API int32_t rustml_model_release(rustml_model *model);
/* What the model is, and what it takes now. May be called on any thread at any time. */
RUSTML_API int32_t rustml_model_get_info(const rustml_model *model, rustml_model_info *out, rustml_error **error);
/* What is known about the model as one JSON object: config, tensors, tokenizer, memory. */
RUSTML_API int32_t rustml_model_describe_json(const rustml_model *model, char *buf, uint64_t capacity, uint64_t *needed,
                                              rustml_error **error);
/* Says what memory opening the model and one session would take. Reads only the header of the file. `session` may be NULL. */
RUSTML_API int32_t rustml_model_plan(const char *path, uint64_t path_len, const rustml_model_options *options,
                                     const rustml_session_options *session, rustml_memory_plan *out, const rustml_call_options *call,
                                     rustml_error **error);
/* Writes the model at `path` (as rustml_model_open takes it) as one GGUF v3 file with its matrices in another type. A matrix whose
 * rows are no multiple of 32 becomes F16; vectors and embedded positions become F32. Values that are quantized already lose a little more.
 * The file appears whole or not at all: it is written under a temporary name beside `out_path`, flushed and renamed. Returns
 * RUSTML_UNIMPLEMENTED for what GGUF has no place for, for example the attention window of a Mistral model. Progress counts
 * bytes written. */
RUSTML_API int32_t rustml_model_quantize(const char *path, uint64_t path_len, const char *out_path, uint64_t out_path_len,
                                         const rustml_quantize_options *options, const rustml_call_options *call, rustml_error **error);

/* ----------------------------------------------------------------------------------------------------- text */

/* The ids of a text. Flags: RUSTML_ENCODE_*. Like all functions of this section it returns RUSTML_FAILED_PRECONDITION for a model that
 * came without a tokenizer. */
RUSTML_API int32_t rustml_model_encode(const rustml_model *model, const char *text, uint64_t len, uint32_t flags, int32_t *ids,
                                       uint64_t capacity, uint64_t *needed, const rustml_call_options *call, rustml_error **error);
/* The text of the ids; bytes that are not UTF-8 stay as they are. Flags: RUSTML_DECODE_*. */
RUSTML_API int32_t rustml_model_decode(const rustml_model *model, const int32_t *ids, uint64_t n, uint32_t flags, char *buf,
                                       uint64_t capacity, uint64_t *needed, rustml_error **error);
/* The raw bytes of one token, which need not be whole characters. */
RUSTML_API int32_t rustml_model_token_bytes(const rustml_model *model, int32_t id, uint8_t *buf, uint64_t capacity, uint64_t *needed,
                                            rustml_error **error);
/* What is known about one token. */
RUSTML_API int32_t rustml_model_token_info(const rustml_model *model, int32_t id, rustml_token_info *out, rustml_error **error);
/* The text that the model's chat template makes of the messages, for display. To generate, pass the messages themselves as a
 * RUSTML_PROMPT_MESSAGES prompt: only then text of special tokens inside a message stays plain text, and there is exactly one BOS.
 * Returns RUSTML_FAILED_PRECONDITION for a model without a template, RUSTML_UNIMPLEMENTED with line and construct for what is not
 * supported in a template, RUSTML_INVALID_ARGUMENT for messages that it refuses (the detail has its line, and as "raised" what it
 * says), RUSTML_RESOURCE_EXHAUSTED for one that takes more steps, depth or text than a template may. */
RUSTML_API int32_t rustml_model_chat_format(const rustml_model *model, const char *messages_json, uint64_t len,
                                            const rustml_chat_options *options, char *buf, uint64_t capacity, uint64_t *needed,
                                            const rustml_call_options *call, rustml_error **error);

/* -------------------------------------------------------------------------------------------------- session */

/* Creates an empty session. Returns RUSTML_OUT_OF_RANGE for a longer context than the model has. */
RUSTML_API int32_t rustml_session_create(rustml_model *model, const rustml_session_options *options, rustml_session **out,
                                         const rustml_call_options *call, rustml_error **error);
RUSTML_API rustml_session *rustml_session_retain(rustml_session *session);
RUSTML_API int32_t rustml_session_release(rustml_session *session);
/* Empties the session. Returns RUSTML_FAILED_PRECONDITION while a generation is open; so do rewind, eval, restore and load. */
RUSTML_API int32_t rustml_session_reset(rustml_session *session, rustml_error **error);
/* Keeps the first n_tokens. Returns RUSTML_OUT_OF_RANGE for more than the session has, or for fewer than the rewind floor, except 0. */
RUSTML_API int32_t rustml_session_rewind(rustml_session *session, uint64_t n_tokens, rustml_error **error);
/* Creates an independent session with the same tokens and KV cache. */
RUSTML_API int32_t rustml_session_fork(rustml_session *session, rustml_session **out, const rustml_call_options *call,
                                       rustml_error **error);
/* What the session holds. May be called on any thread at any time, also while a call runs on the session and in its callbacks. */
RUSTML_API int32_t rustml_session_get_info(const rustml_session *session, rustml_session_info *out, rustml_error **error);
/* The tokens of the session. */
RUSTML_API int32_t rustml_session_tokens(rustml_session *session, int32_t *ids, uint64_t capacity, uint64_t *needed, rustml_error **error);
/* Appends and evaluates n ids. After any failure the session is as it was before. Returns RUSTML_OUT_OF_RANGE for more ids than the
 * context holds. */
RUSTML_API int32_t rustml_session_eval(rustml_session *session, const int32_t *ids, uint64_t n, const rustml_call_options *call,
                                       rustml_error **error);
/* The score of every token of the vocabulary as the next one (before any softmax). Evaluates the session's last token first if that has
 * not been done, for example after a generation. A score of -inf is that of a token the model forbids. Returns
 * RUSTML_FAILED_PRECONDITION for an empty session. Like all functions that sample it returns RUSTML_DATA_LOSS for NaN, +inf or nothing
 * but -inf: then weights or a restored snapshot are damaged. */
RUSTML_API int32_t rustml_session_logits(rustml_session *session, float *logits, uint64_t capacity, uint64_t *needed,
                                         const rustml_call_options *call, rustml_error **error);

/* ------------------------------------------------------------------------------------------------- snapshot */

/* The exact size in bytes of what rustml_session_snapshot_write would write now. */
RUSTML_API int32_t rustml_session_snapshot_size(rustml_session *session, uint64_t *out, rustml_error **error);
/* Writes the session and, if one is open, its generation: all that another process needs to continue with the same model, token for
 * token. */
RUSTML_API int32_t rustml_session_snapshot_write(rustml_session *session, const rustml_sink *sink, const rustml_call_options *call,
                                                 rustml_error **error);
/* Reads and checks a snapshot's header; needs no model. Returns RUSTML_DATA_LOSS for a damaged snapshot, RUSTML_UNIMPLEMENTED for one of
 * a later format. */
RUSTML_API int32_t rustml_snapshot_probe(const rustml_source *source, rustml_snapshot_info *out, rustml_error **error);
/* Replaces the session's content; after any failure the session is as it was before. `out` may be NULL. Returns RUSTML_DATA_LOSS for a
 * damaged snapshot, RUSTML_FAILED_PRECONDITION for one of another model or session type (the message names what differs),
 * RUSTML_OUT_OF_RANGE for more tokens than the context holds. */
RUSTML_API int32_t rustml_session_restore(rustml_session *session, const rustml_source *source, rustml_restore_info *out,
                                          const rustml_call_options *call, rustml_error **error);
/* Writes a snapshot to a file, under a temporary name beside `path`, then flushes and renames it: the file is whole or absent. */
RUSTML_API int32_t rustml_session_save(rustml_session *session, const char *path, uint64_t path_len, const rustml_call_options *call,
                                       rustml_error **error);
/* Restores a session from a file, as rustml_session_restore does. */
RUSTML_API int32_t rustml_session_load(rustml_session *session, const char *path, uint64_t path_len, rustml_restore_info *out,
                                       const rustml_call_options *call, rustml_error **error);
/* Writes a snapshot into memory; rustml_session_snapshot_size returns its size. */
RUSTML_API int32_t rustml_session_to_buffer(rustml_session *session, uint8_t *buf, uint64_t capacity, uint64_t *needed,
                                            const rustml_call_options *call, rustml_error **error);
/* Restores a session from memory, as rustml_session_restore does; `data` is needed only during the call. */
RUSTML_API int32_t rustml_session_from_buffer(rustml_session *session, const uint8_t *data, uint64_t len, rustml_restore_info *out,
                                              const rustml_call_options *call, rustml_error **error);

/* ----------------------------------------------------------------------------------------------- generation */

/* Validates options and encodes the prompt; the prefill happens in the first rustml_generation_next. While a
 * generation is open, eval, rewind, reset, restore and start on its session return RUSTML_FAILED_PRECONDITION; info, tokens,
 * logits and snapshots go on working between its calls. Returns RUSTML_OUT_OF_RANGE for a prompt longer than the context. */
RUSTML_API int32_t rustml_generation_start(rustml_session *session, const rustml_prompt *prompt, const rustml_generation_options *options,
                                           rustml_generation **out, rustml_error **error);
/* Continues the generation that a restored snapshot carried, with the events it would have had. ROLLBACK and errors go back to
 * the tokens before its start. Of `options` only cancel and the three limits count. */
RUSTML_API int32_t rustml_generation_resume(rustml_session *session, const rustml_generation_options *options, rustml_generation **out,
                                            rustml_error **error);
/* Fills in the next event: PREFILL (if asked for), TOKEN for each sampled token, at the end one STOPPED. After that it returns
 * RUSTML_DONE. If cancel, a deadline or an error ends the generation, it returns that status instead of STOPPED, now and at every later
 * call. */
RUSTML_API int32_t rustml_generation_next(rustml_generation *generation, rustml_event *event, rustml_error **error);
/* Ends the generation as on_stop says. The last release does the same. */
RUSTML_API int32_t rustml_generation_stop(rustml_generation *generation, rustml_error **error);
/* How the generation went, or is going: filled whatever its status. */
RUSTML_API int32_t rustml_generation_result(rustml_generation *generation, rustml_result *out, rustml_error **error);
RUSTML_API rustml_generation *rustml_generation_retain(rustml_generation *generation);
RUSTML_API int32_t rustml_generation_release(rustml_generation *generation);
/* Starts a generation, gives each event to `callback` (may be NULL), fills in `out` (may be NULL) and releases the generation. Returns
 * the same status codes as rustml_generation_start and _next. `out` is filled once the generation has started. */
RUSTML_API int32_t rustml_generate(rustml_session *session, const rustml_prompt *prompt, const rustml_generation_options *options,
                                   const rustml_callback *callback, rustml_result *out, rustml_error **error);
/* Searches for the most probable continuations instead of sampling one, as transformers' num_beams does. `callback` (may be NULL) gets
 * PREFILL and PROGRESS events if asked for, and at the end a BEAM event for each hypothesis, best first; the pointers in it are valid until
 * the callback returns. There is no hypothesis if the prompt leaves no room in the context. Afterwards the session holds the prompt and
 * the best hypothesis without its stop token (with ROLLBACK: its old tokens). If cancel or a deadline ends the search, the callback
 * gets the best hypotheses so far, whose `finish` says so, before the call returns that status. A callback that returns non-zero ends
 * everything with RUSTML_CALLBACK_STOP. A token takes `width` passes; beams share the memory of what they have in common. A generation
 * that a restored snapshot carried cannot be resumed afterwards. `out` (may be NULL) is filled whatever the status. */
RUSTML_API int32_t rustml_beam_search(rustml_session *session, const rustml_prompt *prompt, const rustml_beam_options *options,
                                      const rustml_callback *callback, rustml_result *out, rustml_error **error);
/* Generates one answer for each of `n` prompts (at most 16,384), several at once on sessions of their own. Each answer is exactly what
 * the prompt would get alone. `prompts` and `results` are arrays whose elements all have the first one's struct_size; `options` (NULL:
 * defaults) points at one struct, or NULL, for each prompt; each has its own cancel handle and limits. Events carry the prompt's index in
 * `sequence` and arrive in order within one sequence. Each sequence ends with one STOPPED event whose `finish` says why, also when it was
 * cancelled or failed. Before that event, a LOG event of the sequence has the message of a failure; without a callback, look for it in the
 * process's log sink (component "rustml::batch"). on_event returns 0 to go on, RUSTML_CALLBACK_STOP_ONE to end that sequence (without a
 * STOPPED event), anything else to end all with RUSTML_CALLBACK_STOP. `results` (may be NULL) has the order of the prompts and is filled
 * once validation has passed. The `status` of a result says how that sequence ended (also for an id that the model does not have, or a
 * value out of its range); the call itself then returns RUSTML_OK. The call fails only for faults of its arguments and structs, before any
 * work and naming the index, and when the callback ends all. While memory is short, sequences wait for others. */
RUSTML_API int32_t rustml_generate_batch(rustml_model *model, const rustml_session_options *session_options, const rustml_prompt *prompts,
                                         const rustml_generation_options *const *options, uint64_t n, const rustml_callback *callback,
                                         rustml_result *results, rustml_error **error);

#ifdef __cplusplus
}
#endif
#endif /* RUSTML_H */
