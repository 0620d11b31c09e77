// Chat messages to the text a model expects, by the template of the model's file.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/value.h"
#include "runtime/deadline.h"

namespace rustml::chat {

// Part of the text: what the template wrote is trusted, what people wrote is not.
struct Piece {
  std::string text;
  bool trusted;
};

// What a template sees as bos_token and eos_token; empty where the model has none.
struct SpecialTexts {
  std::string_view bos, eos;
};

// The messages of a conversation: [{"role":"user","content":"…"}, …] in the OpenAI shape, with any other keys.
struct Messages {
  Value list;
  bool parts = false;  // some content is a list of parts
};
// invalid_argument with the place. joined: a list of parts becomes their text.
Messages read_messages(std::string_view json, bool joined = false);

class Template {
 public:
  // Any text; what is wrong with it is said when it is used. Blank: none.
  explicit Template(std::string source);
  ~Template();
  Template(Template&&) noexcept;
  bool none() const noexcept;

  // failed_precondition without a template; unimplemented with line and construct for what is not supported; invalid_argument for messages
  // that the template refuses; resource_exhausted above the limits of templates.
  std::vector<Piece> render(std::string_view messages_json, bool add_generation_prompt, const SpecialTexts& special,
                            runtime::StopSignal& stop) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rustml::chat
