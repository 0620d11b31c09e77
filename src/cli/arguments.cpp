// What each shared option is called, means and allows.
#include "cli/arguments.h"

#include <cstdio>
#include <limits>
#include <random>

#include "base/options_generated.h"
#include "cli/client.h"

namespace rustml::cli {

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

// One of src/api/options.toml.
template <class T>
static void add_number(Options& options, const base::NumberOption<T>& option, T& value) {
  if (!option.program) return;
  if constexpr (std::is_same_v<T, float>)
    options.real(option.program, option.help, {option.least, option.high, option.above, option.way_out}, value);
  else
    options.whole(option.program, option.help, option.least, option.high, option.way_out,
                  [&value](uint64_t n) { value = static_cast<T>(n); });
}

SamplingArguments::SamplingArguments(uint64_t default_max_tokens) {
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = default_max_tokens;
}

void add_timeout_option(Options& options, const char* help, double& seconds) {
  options.text("--timeout", help, "SECONDS", [&](const std::string& text) {
    seconds = parse_real("--timeout", text, {0, 1e9, true, "leave --timeout out for no limit"});
  });
}

void add_log_option(Options& options, std::string& filter) {
  options.text("--log", "what to log to stderr, as in RUST_LOG (default: $RUST_LOG, else warn)", "FILTER",
               [&](const std::string& given) { filter = given; });
}

void add_sampling_options(Options& options, SamplingArguments& arguments) {
  SamplingArguments& a = arguments;
  options.whole("--max-tokens", "longest answer (default " + std::to_string(a.options.max_tokens) + "; 0: until the context is full)", 0,
                std::numeric_limits<int64_t>::max(), "0 goes on until the context is full", [&](uint64_t n) { a.options.max_tokens = n; });
  const auto add = [&](const auto& option, auto& value) { add_number(options, option, value); };
  base::for_each_sampling_number(add, a.options);
  base::for_each_running_number(add, a.options);
  add_timeout_option(options, "end after this many seconds, loading included (chat: each answer); exit code 124", a.timeout_seconds);
  options.whole("--seed", "same seed, same answer (default: another one each time)", 0, std::numeric_limits<uint64_t>::max(),
                "leave it out for another one each time", [&](uint64_t n) { a.seed = n; });
  options.flag("--ignore-eos", "go on after the model's stop tokens", a.ignore_eos);
  options.texts("--stop", "end the answer before this text (may be given several times)", "TEXT", a.stops);
}

std::string read_all(std::FILE* file, const std::string& failure) {
  std::string text;
  char block[65536];
  for (size_t n; (n = std::fread(block, 1, sizeof block, file)) > 0;) text.append(block, n);
  if (std::ferror(file)) throw Failure(RUSTML_DATA_LOSS, failure);
  return text;
}

std::string prompt_text(const std::string& argument) {
  return argument == "-" ? read_all(stdin, "--prompt -: standard input could not be read") : argument;
}

rustml_generation_options generation_options(const SamplingArguments& arguments, std::vector<rustml_text>& texts) {
  rustml_generation_options options = arguments.options;
  // Without a seed the answer varies; greedy answers do not depend on it.
  options.seed = arguments.seed ? *arguments.seed : uint64_t{std::random_device{}()};
  options.ignore_eos = arguments.ignore_eos ? 1 : 0;
  texts.clear();
  for (const std::string& stop : arguments.stops) texts.push_back(text_of(stop));
  options.stop_strings = texts.empty() ? nullptr : texts.data();
  options.n_stop_strings = texts.size();
  return options;
}

uint64_t deadline_after(double seconds) { return seconds > 0 ? rustml_deadline_after_ns(static_cast<int64_t>(seconds * 1e9)) : 0; }

}  // namespace rustml::cli
