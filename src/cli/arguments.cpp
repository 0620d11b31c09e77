// Numbers are read here and not by CLI11, so that every refusal reads alike: option, value, limit, way out.
#include "cli/arguments.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>

#include "cli/client.h"

namespace rustml::cli {
namespace {

constexpr double kNoLimit = std::numeric_limits<float>::max();

[[noreturn]] void refuse(const std::string& option, const std::string& value, const std::string& limit, const char* advice) {
  throw CLI::ValidationError(option + (value.empty() ? "" : " " + value), limit + (*advice ? std::string("; ") + advice : ""));
}

std::string shown(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", number);
  return text;
}

void add_real(CLI::App& app, const std::string& name, const std::string& help, const Range& range, float& value) {
  add_text(app, name, help, "NUMBER", [=, &value](const std::string& text) { value = static_cast<float>(parse_real(name, text, range)); });
}

void add_flag(CLI::App& app, const std::string& name, const std::string& help, bool& value) {
  app.add_flag_callback(
      name, [&value] { value = true; }, help);
}

}  // namespace

double parse_real(const std::string& option, const std::string& text, const Range& range) {
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool read = problem == std::errc() && end == text.data() + text.size() && std::isfinite(value);
  if (read && value <= range.high && (range.above ? value > range.low : value >= range.low)) return value;
  std::string limit = range.above ? "must be above " + shown(range.low) : "must be " + shown(range.low);
  if (range.high == kNoLimit) {
    limit += range.above ? "" : " or more";
  } else {
    limit += (range.above ? " and at most " : " to ") + shown(range.high);
  }
  refuse(option, text.empty() ? "\"\"" : text, limit, range.advice);
}

uint64_t parse_whole(const std::string& option, const std::string& text, uint64_t low, uint64_t high, const char* advice) {
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem == std::errc() && end == text.data() + text.size() && value >= low && value <= high) return value;
  std::string limit = "must be a whole number, " + std::to_string(low);
  limit += high == std::numeric_limits<uint64_t>::max() && low == 0 ? " to 2^64-1"
           : high >= std::numeric_limits<int64_t>::max()            ? " or more"
                                                                    : " to " + std::to_string(high);
  refuse(option, text.empty() ? "\"\"" : text, limit, advice);
}

CLI::Option* add_text(CLI::App& app, const std::string& name, const std::string& help, const char* type,
                      std::function<void(const std::string&)> set) {
  return app.add_option_function<std::string>(name, std::move(set), help)
      ->type_name(type)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

std::vector<int32_t> parse_ids(const std::string& option, const std::string& text) {
  constexpr const char* kSeparators = " ,\t\n\r";
  std::vector<int32_t> ids;
  for (size_t begin = text.find_first_not_of(kSeparators); begin != std::string::npos;) {
    const size_t end = std::min(text.find_first_of(kSeparators, begin), text.size());
    ids.push_back(static_cast<int32_t>(
        parse_whole(option, text.substr(begin, end - begin), 0, std::numeric_limits<int32_t>::max(), "separate ids by blanks or commas")));
    begin = text.find_first_not_of(kSeparators, end);
  }
  if (ids.empty()) refuse(option, "\"" + text + "\"", "must hold at least one token id", "for example --prompt-ids \"1 2 3\"");
  return ids;
}

CLI::Option* add_whole(CLI::App& app, const std::string& name, const std::string& help, uint64_t low, uint64_t high, const char* advice,
                       std::function<void(uint64_t)> set) {
  return add_text(app, name, help, "N", [=](const std::string& text) { set(parse_whole(name, text, low, high, advice)); });
}

void add_model_options(CLI::App& app, ModelArguments& arguments) {
  add_text(app, "--gguf", "the model: a GGUF file", "FILE", [&](const std::string& path) { arguments.gguf = path; });
  add_whole(app, "--threads", "threads, 1 to 256 (default: one per physical core)", 1, 256, "leave it out for one per physical core",
            [&](uint64_t n) { arguments.threads = static_cast<int32_t>(n); });
  add_text(app, "--simd-target", "instruction set to use (default: the best one of this machine)", "NAME",
           [&](const std::string& name) { arguments.simd_target = name; });
  add_text(app, "--log", "what to log to stderr, as in RUST_LOG: info, rustml=debug, ... (default: $RUST_LOG, else warn)", "FILTER",
           [&](const std::string& filter) { arguments.log = filter; });
  add_flag(app, "--json", "print JSON instead of text", arguments.json);
  add_flag(app, "--quiet", "no progress and no statistics on stderr", arguments.quiet);
}

void add_session_options(CLI::App& app, SessionArguments& arguments) {
  add_whole(app, "--context", "tokens of prompt and answer together (default: the model's, at most 8192)", 1, 1u << 30,
            "leave it out for the model's own", [&](uint64_t n) { arguments.context = n; });
  add_text(app, "--kv-type", "f32, f16 (default) or q8_0: numbers of the KV cache", "TYPE", [&](const std::string& name) {
    arguments.kv_type = name == "f32" ? RUSTML_KV_F32 : name == "f16" ? RUSTML_KV_F16 : name == "q8_0" ? RUSTML_KV_Q8_0 : 0;
    if (arguments.kv_type == 0) refuse("--kv-type", name.empty() ? "\"\"" : name, "must be f32, f16 or q8_0", "f16 is the default");
  });
}

void add_sampling_options(CLI::App& app, SamplingArguments& arguments) {
  SamplingArguments& a = arguments;
  add_whole(app, "--max-tokens", "longest answer (default " + std::to_string(a.max_tokens) + "; 0: until the context is full)", 0,
            std::numeric_limits<int64_t>::max(), "0 goes on until the context is full", [&](uint64_t n) { a.max_tokens = n; });
  add_real(app, "--temperature", "0 (default): always the most probable token; higher: more variety", {0, kNoLimit, false, "0 is greedy"},
           a.temperature);
  add_whole(app, "--top-k", "choose among the K most probable tokens (default: off)", 1, std::numeric_limits<int32_t>::max(),
            "to turn it off, leave --top-k out", [&](uint64_t n) { a.top_k = static_cast<int32_t>(n); });
  add_real(app, "--top-p", "choose among the most probable tokens that make up this probability (default 1: off)",
           {0, 1, true, "1 turns it off"}, a.top_p);
  add_real(app, "--min-p", "drop tokens below this part of the best one's probability (default 0: off)", {0, 1, false, "0 turns it off"},
           a.min_p);
  add_real(app, "--typical-p", "locally typical sampling up to this probability (default 1: off)", {0, 1, true, "1 turns it off"},
           a.typical_p);
  add_real(app, "--repetition-penalty", "above 1: repeat less (default 1: off)", {0, kNoLimit, true, "1 turns it off"},
           a.repetition_penalty);
  add_real(app, "--presence-penalty", "taken from the score of every token seen (default 0: off)", {-100, 100, false, "0 turns it off"},
           a.presence_penalty);
  add_real(app, "--frequency-penalty", "the same, times how often it was seen (default 0: off)", {-100, 100, false, "0 turns it off"},
           a.frequency_penalty);
  add_whole(app, "--repetition-window", "penalties look at this many last tokens (default 0: all)", 0, std::numeric_limits<uint32_t>::max(),
            "0 looks at all", [&](uint64_t n) { a.repetition_window = static_cast<uint32_t>(n); });
  add_text(app, "--timeout", "end after this many seconds, loading included (chat: each answer); exit code 124", "SECONDS",
           [&](const std::string& text) {
             a.timeout_seconds = parse_real("--timeout", text, {0, 1e9, true, "leave --timeout out for no limit"});
           });
  add_whole(app, "--seed", "same seed, same answer (default: another one each time)", 0, std::numeric_limits<uint64_t>::max(),
            "leave it out for another one each time", [&](uint64_t n) { a.seed = n; });
  add_flag(app, "--ignore-eos", "go on after the model's stop tokens", a.ignore_eos);
  app.add_option("--stop", a.stops, "end the answer before this text (may be given several times)")
      ->type_name("TEXT")
      ->expected(1)
      ->allow_extra_args(false)  // else "[a,b]" would become two texts
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_whole(app, "--logprobs", "with --json: the N most probable tokens at every step", 1, 100, "leave it out for none",
            [&](uint64_t n) { a.logprobs = static_cast<uint32_t>(n); });
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
