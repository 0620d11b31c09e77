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
  explicit Messages(std::string system);  // empty: no system message
  void add(std::string role, std::string content) { turns_.emplace_back(std::move(role), std::move(content)); }
  void drop_last() { turns_.pop_back(); }
  void clear();
  // Text for `prompt`, whose kind is set; the caller points prompt.text at it. Warns on stderr, once, about plain text.
  std::string prompt(const rustml_model_info& info, rustml_prompt& prompt);

 private:
  std::string system_;
  std::vector<std::pair<std::string, std::string>> turns_;
  bool warned_ = false;
};

}  // namespace rustml::cli
