// What each shared option is called, means and allows.
#include "cli/arguments.h"

#include <cstdio>
#include <limits>
#include <random>

#include "cli/client.h"

namespace rustml::cli {

constexpr double kNoLimit = std::numeric_limits<float>::max();

// The names this library was built with; which of them this machine can use, it says when one is asked for.
static std::vector<std::string> simd_targets() {
  const std::string json = rustml_build_json(), key = "\"simd_targets_compiled\":[";
  std::vector<std::string> names;
  const size_t begin = json.find(key);
  if (begin == std::string::npos) return names;
  const size_t end = json.find(']', begin);
  for (size_t at = begin + key.size(); at < end;) {
    const size_t open = json.find('"', at), close = json.find('"', open + 1);
    if (close > end) break;
    names.push_back(json.substr(open + 1, close - open - 1));
    at = close + 1;
  }
  return names;
}

void add_model_options(Options& options, ModelArguments& arguments) {
  options.text("--gguf", "the model: a GGUF file, or ORG/NAME/FILE[@REVISION] of the Hugging Face hub", "FILE",
               [&](const std::string& path) { arguments.gguf = path; });
  options.text("--safetensors", "the model: a folder with config.json, or ORG/NAME[@REVISION] of the hub", "DIR",
               [&](const std::string& path) { arguments.safetensors = path; });
  options.whole("--threads", "threads, 1 to 256 (default: one per physical core)", 1, 256, "leave it out for one per physical core",
                [&](uint64_t n) { arguments.threads = static_cast<int32_t>(n); });
  options.text(
      "--simd-target", "instruction set to use (default: the best one of this machine)", "NAME",
      [&](const std::string& name) { arguments.simd_target = name; }, simd_targets());
  options.choice("--quantize", "none, q8_0 or q4_0: what linear layers become at load (default: q8_0 for a folder, none for a GGUF file)",
                 "TYPE", {"none", "q8_0", "q4_0"}, "leave it out for the default", [&](size_t i) {
                   constexpr int32_t kKinds[] = {RUSTML_QUANTIZE_KEEP, RUSTML_QUANTIZE_Q8_0, RUSTML_QUANTIZE_Q4_0};
                   arguments.quantize = kKinds[i];
                 });
  options.whole("--quantize-min-dim", "quantize only layers whose longer side is at least N (default 512)", 1,
                std::numeric_limits<uint32_t>::max(), "512 is the default",
                [&](uint64_t n) { arguments.quantize_min_dim = static_cast<uint32_t>(n); });
  options.text("--log", "what to log to stderr, as in RUST_LOG: info, rustml=debug, ... (default: $RUST_LOG, else warn)", "FILTER",
               [&](const std::string& filter) { arguments.log = filter; });
  options.text("--trace", "write where the time goes to FILE, for chrome://tracing or ui.perfetto.dev", "FILE",
               [&](const std::string& path) { arguments.trace = path; });
  options.flag("--json", "print JSON instead of text", arguments.json);
  options.flag("--quiet", "no progress and no statistics on stderr", arguments.quiet);
}

void add_session_options(Options& options, SessionArguments& arguments) {
  options.whole("--context", "tokens of prompt and answer together (default: the model's, at most 8192)", 1, 1u << 30,
                "leave it out for the model's own", [&](uint64_t n) { arguments.context = n; });
  options.choice("--kv-type", "f32, f16 (default) or q8_0: numbers of the KV cache", "TYPE", {"f32", "f16", "q8_0"}, "f16 is the default",
                 [&](size_t i) {
                   constexpr int32_t kTypes[] = {RUSTML_KV_F32, RUSTML_KV_F16, RUSTML_KV_Q8_0};
                   arguments.kv_type = kTypes[i];
                 });
}

void add_sampling_options(Options& options, SamplingArguments& arguments) {
  SamplingArguments& a = arguments;
  options.whole("--max-tokens", "longest answer (default " + std::to_string(a.max_tokens) + "; 0: until the context is full)", 0,
                std::numeric_limits<int64_t>::max(), "0 goes on until the context is full", [&](uint64_t n) { a.max_tokens = n; });
  options.real("--temperature", "0 (default): always the most probable token; higher: more variety", {0, kNoLimit, false, "0 is greedy"},
               a.temperature);
  options.whole("--top-k", "choose among the K most probable tokens (default: off)", 1, std::numeric_limits<int32_t>::max(),
                "to turn it off, leave --top-k out", [&](uint64_t n) { a.top_k = static_cast<int32_t>(n); });
  options.real("--top-p", "choose among the most probable tokens that make up this probability (default 1: off)",
               {0, 1, true, "1 turns it off"}, a.top_p);
  options.real("--min-p", "drop tokens below this part of the best one's probability (default 0: off)", {0, 1, false, "0 turns it off"},
               a.min_p);
  options.real("--typical-p", "locally typical sampling up to this probability (default 1: off)", {0, 1, true, "1 turns it off"},
               a.typical_p);
  options.real("--repetition-penalty", "above 1: repeat less (default 1: off)", {0, kNoLimit, true, "1 turns it off"},
               a.repetition_penalty);
  options.real("--presence-penalty", "taken from the score of every token seen (default 0: off)", {-100, 100, false, "0 turns it off"},
               a.presence_penalty);
  options.real("--frequency-penalty", "the same, times how often it was seen (default 0: off)", {-100, 100, false, "0 turns it off"},
               a.frequency_penalty);
  options.whole("--repetition-window", "penalties look at this many last tokens (default 0: all)", 0, std::numeric_limits<uint32_t>::max(),
                "0 looks at all", [&](uint64_t n) { a.repetition_window = static_cast<uint32_t>(n); });
  options.text("--timeout", "end after this many seconds, loading included (chat: each answer); exit code 124", "SECONDS",
               [&](const std::string& text) {
                 a.timeout_seconds = parse_real("--timeout", text, {0, 1e9, true, "leave --timeout out for no limit"});
               });
  options.whole("--seed", "same seed, same answer (default: another one each time)", 0, std::numeric_limits<uint64_t>::max(),
                "leave it out for another one each time", [&](uint64_t n) { a.seed = n; });
  options.flag("--ignore-eos", "go on after the model's stop tokens", a.ignore_eos);
  options.texts("--stop", "end the answer before this text (may be given several times)", "TEXT", a.stops);
  options.whole("--logprobs", "with --json: the N most probable tokens at every step", 1, 100, "leave it out for none",
                [&](uint64_t n) { a.logprobs = static_cast<uint32_t>(n); });
  options.whole("--prompt-lookup",
                "guess up to N tokens from earlier text and check them together: same answer, sooner where text repeats "
                "(default 0: off)",
                0, 16, "8 is a good choice, 0 turns it off", [&](uint64_t n) { a.prompt_lookup = static_cast<uint32_t>(n); });
}

std::string prompt_text(const std::string& argument) {
  if (argument != "-") return argument;
  std::string text;
  char block[65536];
  for (size_t n; (n = std::fread(block, 1, sizeof block, stdin)) > 0;) text.append(block, n);
  if (std::ferror(stdin)) throw Failure(RUSTML_DATA_LOSS, "--prompt -: standard input could not be read");
  return text;
}

rustml_generation_options generation_options(const SamplingArguments& arguments, std::vector<rustml_text>& texts) {
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = arguments.max_tokens;
  // Without a seed the answer varies; greedy answers do not depend on it.
  options.seed = arguments.seed ? *arguments.seed : uint64_t{std::random_device{}()};
  options.temperature = arguments.temperature;
  options.top_k = arguments.top_k;
  options.top_p = arguments.top_p;
  options.min_p = arguments.min_p;
  options.typical_p = arguments.typical_p;
  options.repetition_penalty = arguments.repetition_penalty;
  options.presence_penalty = arguments.presence_penalty;
  options.frequency_penalty = arguments.frequency_penalty;
  options.repetition_window = arguments.repetition_window;
  options.logprobs = arguments.logprobs;
  options.prompt_lookup = arguments.prompt_lookup;
  options.ignore_eos = arguments.ignore_eos ? 1 : 0;
  texts.clear();
  for (const std::string& stop : arguments.stops) texts.push_back(text_of(stop));
  options.stop_strings = texts.empty() ? nullptr : texts.data();
  options.n_stop_strings = texts.size();
  return options;
}

uint64_t deadline_of(const SamplingArguments& arguments) {
  return arguments.timeout_seconds > 0 ? rustml_deadline_after_ns(static_cast<int64_t>(arguments.timeout_seconds * 1e9)) : 0;
}

}  // namespace rustml::cli
