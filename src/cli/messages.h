// A conversation as the library wants it: a JSON array of {"role","content"}, or plain text where the model has no
// chat template.
#pragma once
#include <rustml.h>

#include <string>
#include <utility>
#include <vector>

namespace rustml::cli {

class Messages {
 public:
  explicit Messages(std::string system) : system_(std::move(system)) {}  // empty: no system message

  size_t first() const noexcept { return first_; }  // the oldest turn that the model still sees
  size_t n_turns() const noexcept { return turns_.size(); }
  // Adds a turn. From it on the model sees the turns from `first` on.
  void add(std::string user, std::string assistant, size_t first);
  // Takes the last turn back, and `first` as it was before; there must be one. Returns what the user said.
  std::string undo();
  void clear();
  // Text for `prompt`, whose kind is set; the caller points prompt.text at it: the system message, the turns from `first` on, and
  // what the user says now. Warns on stderr, once, about plain text.
  std::string prompt(const rustml_model_info& info, size_t first, const std::string& user, rustml_prompt& prompt);

 private:
  struct Turn {
    std::string user, assistant;
    size_t first_before;
  };
  std::string system_;
  std::vector<Turn> turns_;  // the dropped ones too: undo may bring them back
  size_t first_ = 0;
  bool warned_ = false;
};

}  // namespace rustml::cli
