#include "cli/messages.h"

#include "base/json_writer.h"
#include "cli/terminal.h"

namespace rustml::cli {

void Messages::add(std::string user, std::string assistant, size_t first) {
  turns_.push_back({std::move(user), std::move(assistant), first_});
  first_ = first;
}

std::string Messages::undo() {
  std::string user = std::move(turns_.back().user);
  first_ = turns_.back().first_before;
  turns_.pop_back();
  return user;
}

void Messages::clear() {
  turns_.clear();
  first_ = 0;
}

std::string Messages::prompt(const rustml_model_info& info, size_t first, const std::string& user, rustml_prompt& prompt) {
  std::vector<std::pair<const char*, const std::string*>> messages;
  if (!system_.empty()) messages.emplace_back("system", &system_);
  for (size_t i = first; i < turns_.size(); ++i) {
    messages.emplace_back("user", &turns_[i].user);
    messages.emplace_back("assistant", &turns_[i].assistant);
  }
  messages.emplace_back("user", &user);
  if (info.has_chat_template != 0) {
    prompt.kind = RUSTML_PROMPT_MESSAGES;
    const auto json = [](const auto& m) { return base::JsonObject().add("role", m.first).add("content", *m.second); };
    return base::JsonArray(messages, json).str();
  }
  if (!warned_) report("warning: this model has no chat template; messages are passed as plain text");
  warned_ = true;
  prompt.kind = RUSTML_PROMPT_TEXT;
  std::string text;
  for (const auto& [role, content] : messages) text += *content + (std::string_view(role) == "assistant" ? "\n" : "\n\n");
  return text;
}

}  // namespace rustml::cli
