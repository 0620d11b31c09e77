#include "cli/measure.h"

#include <algorithm>
#include <cmath>

#include "cli/load.h"
#include "cli/system.h"

namespace rustml::cli {
void add_measure_options(Options& options, MeasureArguments& a) {
  add_model_options(options, a.model);
  add_session_options(options, a.session);
  options.whole("--prefill", "prompt tokens (default 128)", 1, 1u << 20, "128 is the default", [&a](uint64_t n) { a.prefill = n; });
  options.whole("--decode", "generated tokens (default 64)", 1, 1u << 20, "64 is the default", [&a](uint64_t n) { a.decode = n; });
}

OtherLoad::OtherLoad() : begin_(now_seconds()), busy_(others_processor_seconds()) {}

double OtherLoad::processors() const {
  const double busy = others_processor_seconds(), seconds = now_seconds() - begin_;
  return busy_ < 0 || busy < 0 || seconds <= 0 ? -1 : std::max(0.0, (busy - busy_) / seconds);
}

std::vector<int32_t> fixed_ids(uint64_t n, uint32_t vocab_size, uint64_t seed) {
  std::vector<int32_t> ids(n);
  uint64_t state = seed;
  for (int32_t& id : ids) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    id = static_cast<int32_t>((state >> 33) % vocab_size);
  }
  return ids;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(values.size())));
  return values[std::clamp<size_t>(rank, 1, values.size()) - 1];
}

TokenStream::TokenStream(rustml_session* session, const std::vector<int32_t>& ids, uint64_t max_tokens, rustml_cancel* cancel) {
  const rustml_prompt prompt = prompt_of(ids);
  rustml_generation_options options = initial(rustml_generation_options_init);
  options.max_tokens = max_tokens;
  options.ignore_eos = 1;
  options.cancel = cancel;
  rustml_generation* handle = nullptr;
  call([&](rustml_error** error) { return rustml_generation_start(session, &prompt, &options, &handle, error); });
  generation_.reset(handle);
}

double TokenStream::next() {
  rustml_event event{};
  event.struct_size = sizeof event;
  call([&](rustml_error** error) { return rustml_generation_next(generation_.get(), &event, error); });
  if (event.kind == RUSTML_EVENT_STOPPED) {
    throw Failure(RUSTML_OUT_OF_RANGE, "bench: the answer ended after " + std::to_string(n_) + " tokens: " + finish_name(event.finish) +
                                           "; give a larger --context");
  }
  ++n_;
  return now_seconds();
}

double prefill_seconds(rustml_session* session, const std::vector<int32_t>& ids, rustml_cancel* cancel) {
  rustml_call_options limits = initial(rustml_call_options_init);
  limits.cancel = cancel;
  call([&](rustml_error** error) { return rustml_session_reset(session, error); });
  const double begin = now_seconds();
  call([&](rustml_error** error) { return rustml_session_eval(session, ids.data(), ids.size(), &limits, error); });
  return now_seconds() - begin;
}

}  // namespace rustml::cli
