// One message shape for all fields: name, value, range, way out.
#include "generation/options.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/refuse.h"
#include "base/utf8.h"

namespace rustml::generation {

using base::refuse_field;

namespace {

// NaN is in no range, an infinity in none either.
template <class T>
void require_in_range(const base::NumberOption<T>& option, T value) {
  if (option.rule && !(value <= option.high && (option.above ? value > option.low : value >= option.low)))
    refuse_field(option.name, value, option.rule);
}

void require_id(const std::string& field, int32_t id, int32_t vocab_size) {
  if (id < 0 || id >= vocab_size) refuse_field(field, id, "a token id from 0 to " + std::to_string(vocab_size - 1));
}

std::string element(std::string_view array, size_t index) { return std::string(array) + "[" + std::to_string(index) + "]"; }

void require_count(std::string_view array, size_t count, size_t limit) {
  if (count <= limit) return;
  fail(Status::invalid_argument,
       std::string(array) + " has " + std::to_string(count) + " entries; at most " + std::to_string(limit) + " are allowed",
       base::refusal_detail(array, std::to_string(count) + " entries", "at most " + std::to_string(limit) + " entries"));
}

void validate_logit_bias(const std::vector<LogitBias>& entries, int32_t vocab_size) {
  require_count("logit_bias", entries.size(), static_cast<size_t>(vocab_size));
  std::vector<int32_t> forbidden;
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto [id, bias] = entries[i];
    require_id(element("logit_bias", i) + ".id", id, vocab_size);
    if (std::isnan(bias) || bias == INFINITY)
      refuse_field(element("logit_bias", i) + ".bias", bias, "a finite number, or -inf to forbid the token");
    if (bias == -INFINITY) forbidden.push_back(id);
  }
  std::sort(forbidden.begin(), forbidden.end());
  const auto distinct = std::unique(forbidden.begin(), forbidden.end()) - forbidden.begin();
  if (distinct == vocab_size)
    fail(Status::invalid_argument, "logit_bias forbids every token; leave at least one",
         base::refusal_detail("logit_bias", "-inf for every token", "finite for one token at least"));
}

void validate_stops(const GenerationOptions& options, int32_t vocab_size) {
  require_count("stop_strings", options.stop_strings.size(), kMaxStopStrings);
  size_t total = 0;
  for (size_t i = 0; i < options.stop_strings.size(); ++i) {
    const std::string& text = options.stop_strings[i];
    const std::string field = element("stop_strings", i);
    if (text.empty()) fail(Status::invalid_argument, field + " is empty; leave it out", base::refusal_detail(field, "empty", "left out"));
    if (text.size() > kMaxStopStringBytes)
      refuse_field(field, std::to_string(text.size()) + " bytes long", "at most " + std::to_string(kMaxStopStringBytes) + " bytes");
    if (const size_t at = base::utf8_error(text); at != base::kValidUtf8)
      fail(Status::invalid_argument, field + " is not UTF-8: byte " + std::to_string(at) + " of " + base::quoted(text),
           base::refusal_detail(field, base::Given::text(text), "valid UTF-8"));
    total += text.size();
  }
  if (total > kMaxStopBytes)
    fail(Status::invalid_argument,
         "stop_strings are " + std::to_string(total) + " bytes together; at most " + std::to_string(kMaxStopBytes) + " are allowed",
         base::refusal_detail("stop_strings", std::to_string(total) + " bytes",
                              "at most " + std::to_string(kMaxStopBytes) + " bytes together"));
  require_count("stop_ids", options.stop_ids.size(), static_cast<size_t>(vocab_size));
  for (size_t i = 0; i < options.stop_ids.size(); ++i) require_id(element("stop_ids", i), options.stop_ids[i], vocab_size);
}

}  // namespace

void validate(const GenerationOptions& options, int32_t vocab_size) {
  base::for_each_sampling_number([](const auto& option, auto value) { require_in_range(option, value); }, options.sampling);
  validate_logit_bias(options.sampling.logit_bias, vocab_size);
  validate_stops(options, vocab_size);
}

void validate(const Limits& limits) {
  base::for_each_running_number([](const auto& option, auto value) { require_in_range(option, value); }, limits);
}

}  // namespace rustml::generation
