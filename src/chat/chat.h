// Chat messages to the text a model expects. Templates are not run: five shapes are built in, and the markers in the file's template say
// which of them it is.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rustml::chat {

struct Message {
  std::string role, content;
};

enum class Shape : uint8_t { none, unknown, chatml, mistral_inst, zephyr, gemma, llama3 };

// By marker: <|im_start|>, [INST], <|user|>, <start_of_turn>, <|start_header_id|>; empty template: none.
Shape detect(std::string_view chat_template);

// Part of the formatted text: the model's markers are trusted, what people wrote is not.
struct Piece {
  std::string text;
  bool trusted;
};

// [{"role":"user","content":"..."}], content also as [{"type":"text","text":"..."}]. invalid_argument with the place.
std::vector<Message> parse_messages(std::string_view json);

// failed_precondition when the shape is none, unimplemented when unknown; invalid_argument for roles the shape lacks.
// `chat_template` decides details such as a default system message. `eos_text` is what ends an answer in shapes that use
// the model's own end token for it. A leading BOS is left out: the tokenizer adds it, as the file says.
std::vector<Piece> format(Shape shape, std::string_view chat_template, const std::vector<Message>& messages, bool add_generation_prompt,
                          std::string_view eos_text = "</s>");

}  // namespace rustml::chat
