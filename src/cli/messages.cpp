#include "cli/messages.h"

#include "cli/events.h"
#include "cli/terminal.h"

namespace rustml::cli {

Messages::Messages(std::string system) : system_(std::move(system)) { clear(); }

void Messages::clear() {
  turns_.clear();
  if (!system_.empty()) add("system", system_);
}

std::string Messages::prompt(const rustml_model_info& info, rustml_prompt& prompt) {
  std::string text;
  if (info.has_chat_template != 0) {
    prompt.kind = RUSTML_PROMPT_MESSAGES;
    for (const auto& [role, content] : turns_) {
      text += (text.empty() ? "[" : ",") + JsonObject().text("role", role).text("content", content).str();
    }
    return text + "]";
  }
  if (!warned_) report("warning: this model has no chat template; messages are passed as plain text");
  warned_ = true;
  prompt.kind = RUSTML_PROMPT_TEXT;
  for (const auto& [role, content] : turns_) text += content + (role == "assistant" ? "\n" : "\n\n");
  return text;
}

}  // namespace rustml::cli
