#include "generation/prompt_run.h"

#include <algorithm>

#include "base/json_writer.h"
#include "base/log.h"

namespace rustml::generation {

tokenizer::Encoding encode_prompt(const Session& session, const Prompt& prompt, runtime::StopSignal& stop) {
  tokenizer::Encoding encoded = session.engine().encode(prompt, stop);
  if (encoded.ids.empty()) fail(Status::invalid_argument, "prompt is empty: it has no tokens; give text, ids or messages");
  if (const uint64_t n = encoded.ids.size(), capacity = session.capacity(); n > capacity) {
    const std::string tokens = std::to_string(n) + " tokens",
                      holds = "this model holds " + std::to_string(session.engine().config().context);
    const std::string rule = "at least the prompt's " + tokens + ", or the prompt shorter; " + holds;
    fail(Status::out_of_range,
         "prompt has " + tokens + ", more than the session's context of " + std::to_string(capacity) +
             "; shorten it or create the session with more context_tokens (" + holds + ")",
         base::JsonObject().add("field", "context_tokens").add("value", capacity).add("rule", rule).add("prompt_tokens", n).str());
  }
  return encoded;
}

std::vector<int32_t> stop_tokens(std::vector<int32_t> ids, bool ignore_eos, const tokenizer::Tokenizer& tokenizer) {
  if (!ignore_eos) ids.insert(ids.end(), tokenizer.stop_ids().begin(), tokenizer.stop_ids().end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

uint64_t PromptRun::begin() {
  const std::vector<int32_t>& tokens = session_.tokens();
  back_ = {true, tokens.size(), nullptr};
  auto common = static_cast<uint64_t>(std::mismatch(prompt_.begin(), prompt_.end(), tokens.begin(), tokens.end()).first - prompt_.begin());
  session_.reserve(prompt_.size());
  session_.hold();
  if (common < tokens.size()) {
    const uint64_t floor = session_.cache().rewind_floor();
    if (common > 0 && common < floor) {
      base::log(base::LogLevel::info, "rustml",
                "Prefix reuse: the prompt parts at token " + std::to_string(common) + ", but window layers begin at " +
                    std::to_string(floor) + "; all of it is evaluated");
    }
    if (common < floor) common = 0;
    back_.parted = std::make_shared<const Tail>(session_.save_tail(common));
    if (common == 0) session_.restart();
    session_.truncate(common);
  }
  return ready();
}

uint64_t PromptRun::ready() const noexcept {
  const uint64_t n = std::min<uint64_t>(session_.evaluated(), prompt_.size());
  return n == prompt_.size() && session_.tokens().size() == n && !session_.has_scores() ? n - 1 : n;
}

bool PromptRun::advance(runtime::StopSignal& stop) {
  const uint64_t at = session_.evaluated(), n = std::min<uint64_t>(prompt_.size() - at, static_cast<uint64_t>(session_.chunk()));
  return session_.evaluate(std::span(prompt_.data() + at, n), at + n == prompt_.size(), stop);
}

void PromptRun::undo() noexcept {
  if (!back_.begun) return;
  if (back_.parted)
    session_.restore_tail(*back_.parted);  // within the capacity reserved at the start: cannot fail
  else
    session_.truncate(std::min<uint64_t>(session_.tokens().size(), back_.length));
}

}  // namespace rustml::generation
