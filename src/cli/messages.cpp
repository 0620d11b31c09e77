#include "cli/messages.h"

#include "base/json_writer.h"
#include "cli/terminal.h"

namespace rustml::cli {

Messages::Messages(std::string system) : system_(std::move(system)) { clear(); }

void Messages::clear() {
  turns_.clear();
  if (!system_.empty()) add("system", system_);
}

std::string Messages::prompt(const rustml_model_info& info, rustml_prompt& prompt) {
  if (info.has_chat_template != 0) {
    prompt.kind = RUSTML_PROMPT_MESSAGES;
    const auto message = [](const auto& turn) { return base::JsonObject().add("role", turn.first).add("content", turn.second); };
    return base::JsonArray(turns_, message).str();
  }
  if (!warned_) report("warning: this model has no chat template; messages are passed as plain text");
  warned_ = true;
  prompt.kind = RUSTML_PROMPT_TEXT;
  std::string text;
  for (const auto& [role, content] : turns_) text += content + (role == "assistant" ? "\n" : "\n\n");
  return text;
}

}  // namespace rustml::cli
