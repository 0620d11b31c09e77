// The five built-in shapes. {role} and {content} are what people wrote, the rest is the model's and trusted:
//   chatml   <|im_start|>{role}\n{content}<|im_end|>\n ...                                      <|im_start|>assistant\n
//   mistral  [INST] {user} [/INST]{assistant}</s> ...                                           (nothing: the answer follows)
//   llama 2  [INST] <<SYS>>\n{system}\n<</SYS>>\n\n{user} [/INST] {assistant} </s><s>[INST] ...
//   zephyr   <|{role}|>\n{content}</s>\n ...                                                    <|assistant|>\n
//   gemma    <start_of_turn>user\n{content}<end_of_turn>\n<start_of_turn>model\n ...            <start_of_turn>model\n
//   llama 3  <|start_header_id|>{role}<|end_header_id|>\n\n{content}<|eot_id|> ...              <|start_header_id|>assistant...
// Templates of one shape differ in details; those are read off the template's own text.
#include <algorithm>

#include "base/error.h"
#include "chat/chat.h"

namespace rustml::chat {
namespace {

using base::Status;

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// Collects pieces; neighbours of the same trust become one.
class Builder {
 public:
  void trusted(std::string_view text) { add(text, true); }
  void written(std::string_view text) { add(text, false); }
  void turn(std::string_view before, std::string_view content, std::string_view after) {
    trusted(before);
    written(content);
    trusted(after);
  }
  std::vector<Piece> take() { return std::move(pieces_); }

 private:
  void add(std::string_view text, bool trusted) {
    if (text.empty()) return;
    if (pieces_.empty() || pieces_.back().trusted != trusted) pieces_.push_back({{}, trusted});
    pieces_.back().text += text;
  }
  std::vector<Piece> pieces_;
};

// Bytes of the blank that begins at i, as Python's str.strip sees blanks; 0: none begins there.
size_t blank_at(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u; };
  const unsigned a = byte(0), b = byte(1), c = byte(2);
  if (a == 0x20 || (a >= 0x09 && a <= 0x0D) || (a >= 0x1C && a <= 0x1F)) return 1;
  if (a == 0xC2 && (b == 0x85 || b == 0xA0)) return 2;
  if (a == 0xE1 && b == 0x9A && c == 0x80) return 3;  // U+1680
  if (a == 0xE2 && b == 0x80 && ((c >= 0x80 && c <= 0x8A) || c == 0xA8 || c == 0xA9 || c == 0xAF))
    return 3;                                         // U+2000..200A, 2028, 2029, 202F
  if (a == 0xE2 && b == 0x81 && c == 0x9F) return 3;  // U+205F
  if (a == 0xE3 && b == 0x80 && c == 0x80) return 3;  // U+3000
  return 0;
}

std::string_view trim_end(std::string_view text) {
  for (size_t n = 1; n <= 3 && n <= text.size();) {
    if (blank_at(text, text.size() - n) == n) {
      text.remove_suffix(n);
      n = 1;
    } else {
      ++n;
    }
  }
  return text;
}

// Jinja's `trim`.
std::string_view trim(std::string_view text) {
  while (!text.empty()) {
    const size_t n = blank_at(text, 0);
    if (n == 0) break;
    text.remove_prefix(n);
  }
  return trim_end(text);
}

// The system message that a ChatML template puts in when the first message is none: a literal that holds the whole turn,
// '<|im_start|>system\nYou are ...<|im_end|>'. A turn put together from parts closes its quote right after the newline.
std::string default_system(std::string_view chat_template) {
  constexpr std::string_view begin = "<|im_start|>system", end = "<|im_end|>";
  for (size_t at = chat_template.find(begin); at != chat_template.npos; at = chat_template.find(begin, at + 1)) {
    std::string_view rest = chat_template.substr(at + begin.size());
    const size_t newline = rest.starts_with("\\n") ? 2 : rest.starts_with('\n') ? 1 : 0;
    if (newline == 0) continue;
    rest.remove_prefix(newline);
    const char quote = at > 0 ? chat_template[at - 1] : '\0';
    std::string text;
    bool closed = false;
    for (size_t i = 0; i < rest.size() && !closed; ++i) {
      if (rest.substr(i).starts_with(end)) {
        if (!text.empty()) return text;
        break;
      }
      closed = rest[i] == quote || rest[i] == '{';
      if (rest[i] == '\\' && i + 1 < rest.size()) {
        const char escaped = rest[++i];
        text += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
      } else {
        text += rest[i];
      }
    }
  }
  return {};
}

std::string place(size_t i) { return "messages[" + std::to_string(i) + "].role"; }

[[noreturn]] void bad_role(size_t i, const Message& message, const char* problem) {
  base::fail(Status::invalid_argument, place(i) + ": " + base::quoted(message.role) + " " + problem);
}

// user, assistant, user, ... as these templates demand; `first` is 1 if a system message comes before.
void check_turns(const std::vector<Message>& messages, size_t first) {
  if (first == messages.size()) bad_role(0, messages[0], "stands alone: this model takes it together with a user message");
  for (size_t i = first; i < messages.size(); ++i) {
    const char* wanted = (i - first) % 2 == 0 ? "user" : "assistant";
    if (messages[i].role == wanted) continue;
    const bool known = messages[i].role == "user" || messages[i].role == "assistant";
    bad_role(
        i, messages[i],
        known ? "does not alternate: this model takes user, assistant, user, ..." : "is no role of this model; user and assistant are");
  }
}

void format_chatml(std::string_view chat_template, const std::vector<Message>& messages, bool prompt, Builder& out) {
  if (messages.front().role != "system") {
    const std::string system = default_system(chat_template);
    if (!system.empty()) out.trusted("<|im_start|>system\n" + system + "<|im_end|>\n");
  }
  for (const Message& message : messages) {
    out.turn("<|im_start|>", message.role, "\n");
    out.turn("", message.content, "<|im_end|>\n");
  }
  if (prompt) out.trusted("<|im_start|>assistant\n");
}

void format_llama2(const std::vector<Message>& messages, std::string_view eos, Builder& out) {
  const bool has_system = messages.front().role == "system";
  check_turns(messages, has_system ? 1 : 0);
  for (size_t i = has_system ? 1 : 0; i < messages.size(); ++i) {
    const bool first = i == (has_system ? 1u : 0u);
    if (messages[i].role == "user") {
      out.trusted(first ? "[INST] " : "<s>[INST] ");
      if (first && has_system) {
        const std::string_view content = trim_end(messages[i].content);
        out.turn("<<SYS>>\n", messages[0].content, content.empty() ? "\n<</SYS>>" : "\n<</SYS>>\n\n");
        out.written(content);
      } else {
        out.written(trim(messages[i].content));
      }
      out.trusted(" [/INST]");
    } else {
      out.turn(" ", trim(messages[i].content), " ");
      out.trusted(eos);
    }
  }
}

void format_mistral(std::string_view chat_template, const std::vector<Message>& messages, std::string_view eos, Builder& out) {
  check_turns(messages, 0);
  const bool blank_close = has(chat_template, " [/INST]");
  const bool blank_before = has(chat_template, "' ' + message") || has(chat_template, "\" \" + message");
  const bool blank_after = has(chat_template, "eos_token + ' '") || has(chat_template, "eos_token + \" \"");
  for (const Message& message : messages) {
    if (message.role == "user") {
      out.turn("[INST] ", message.content, blank_close ? " [/INST]" : "[/INST]");
    } else {
      out.turn(blank_before ? " " : "", message.content, eos);
      if (blank_after) out.trusted(" ");
    }
  }
}

void format_zephyr(std::string_view chat_template, const std::vector<Message>& messages, bool prompt, std::string_view eos, Builder& out) {
  const std::string_view end = has(chat_template, "<|end|>") ? "<|end|>" : eos;  // Phi 3 has an end token of its own
  for (size_t i = 0; i < messages.size(); ++i) {
    const Message& message = messages[i];
    if (message.role != "user" && message.role != "assistant" && message.role != "system") {
      bad_role(i, message, "is no role of this model; system, user and assistant are");
    }
    out.turn("<|" + message.role + "|>\n", message.content, std::string(end) + "\n");
  }
  if (prompt) out.trusted("<|assistant|>\n");
}

void format_gemma(std::string_view chat_template, const std::vector<Message>& messages, bool prompt, Builder& out) {
  const bool has_system = messages.front().role == "system";
  if (has_system && !has(chat_template, "first_user_prefix")) bad_role(0, messages[0], "is no role of this model; user and assistant are");
  const size_t first = has_system ? 1 : 0;
  check_turns(messages, first);
  for (size_t i = first; i < messages.size(); ++i) {
    out.trusted(messages[i].role == "user" ? "<start_of_turn>user\n" : "<start_of_turn>model\n");
    if (i == first && has_system) out.written(messages[0].content + "\n\n");
    out.written(trim(messages[i].content));
    out.trusted("<end_of_turn>\n");
  }
  if (prompt) out.trusted("<start_of_turn>model\n");
}

void format_llama3(const std::vector<Message>& messages, bool prompt, Builder& out) {
  for (const Message& message : messages) {
    out.turn("<|start_header_id|>", message.role, "<|end_header_id|>\n\n");
    out.turn("", trim(message.content), "<|eot_id|>");
  }
  if (prompt) out.trusted("<|start_header_id|>assistant<|end_header_id|>\n\n");
}

}  // namespace

Shape detect(std::string_view chat_template) {
  if (trim(chat_template).empty()) return Shape::none;
  if (has(chat_template, "<|im_start|>")) return Shape::chatml;
  if (has(chat_template, "[INST]")) return Shape::mistral_inst;
  if (has(chat_template, "<|user|>")) return Shape::zephyr;
  if (has(chat_template, "<start_of_turn>")) return Shape::gemma;
  if (has(chat_template, "<|start_header_id|>")) return Shape::llama3;
  return Shape::unknown;
}

std::vector<Piece> format(Shape shape, std::string_view chat_template, const std::vector<Message>& messages, bool add_generation_prompt,
                          std::string_view eos_text) {
  if (shape == Shape::none) {
    base::fail(Status::failed_precondition, "chat template: the model's file has none; pass plain text instead of messages");
  }
  if (shape == Shape::unknown) {
    base::fail(Status::unimplemented,
               "chat template: none of the built-in shapes, whose markers are <|im_start|>, [INST], <|user|>, <start_of_turn> and "
               "<|start_header_id|>");
  }
  if (messages.empty()) base::fail(Status::invalid_argument, "messages: expected at least one message");
  Builder out;
  switch (shape) {
    case Shape::mistral_inst:
      if (has(chat_template, "<<SYS>>")) {
        format_llama2(messages, eos_text, out);
      } else {
        format_mistral(chat_template, messages, eos_text, out);
      }
      break;
    case Shape::zephyr: format_zephyr(chat_template, messages, add_generation_prompt, eos_text, out); break;
    case Shape::gemma: format_gemma(chat_template, messages, add_generation_prompt, out); break;
    case Shape::llama3: format_llama3(messages, add_generation_prompt, out); break;
    default: format_chatml(chat_template, messages, add_generation_prompt, out); break;
  }
  return out.take();
}

}  // namespace rustml::chat
