// The tokens of a file: texts as they stand there, types, scores, and a hash from text to id. Ids are positions.
// All texts lie in one block; a file of 262,144 tokens costs three allocations, not as many as it has tokens.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rustml::tokenizer {

// GGUF's tokenizer.ggml.token_type.
enum class TokenType : uint8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

constexpr size_t kLongestToken = 64 * 1024;  // bytes
constexpr size_t kMostTokens = size_t{1} << 22;

class Vocabulary {
 public:
  // types and scores: empty (all normal, all 0) or one per text. An empty text is an id without a token, which nothing finds.
  // data_loss for repeated ones and if all are empty, resource_exhausted for too long or too many; `key` names the file's field in
  // messages.
  Vocabulary(const std::vector<std::string>& texts, std::vector<TokenType> types, std::vector<float> scores, const std::string& key);
  // Text i is block[begins[i], begins[i + 1]).
  static Vocabulary with_holes(std::string block, std::vector<uint32_t> begins, std::vector<TokenType> types, const std::string& key);

  int32_t size() const noexcept { return static_cast<int32_t>(begins_.size() - 1); }
  std::string_view text(int32_t id) const noexcept {
    const auto i = static_cast<size_t>(id);
    return {block_.data() + begins_[i], begins_[i + 1] - begins_[i]};
  }
  TokenType type(int32_t id) const noexcept { return types_.empty() ? TokenType::normal : types_[static_cast<size_t>(id)]; }
  // From now on they are control tokens; types_of_file() and with it fingerprints stay as they were.
  void make_control(const std::vector<int32_t>& ids);
  float score(int32_t id) const noexcept { return scores_.empty() ? 0.0f : scores_[static_cast<size_t>(id)]; }
  // -1: no such token.
  int32_t id_of(std::string_view text) const noexcept;
  size_t longest() const noexcept { return longest_; }

  // What a fingerprint covers.
  const std::string& block() const noexcept { return block_; }
  const std::vector<uint32_t>& begins() const noexcept { return begins_; }
  const std::vector<TokenType>& types_of_file() const noexcept { return mended_ ? types_of_file_ : types_; }
  const std::vector<float>& scores() const noexcept { return scores_; }

 private:
  Vocabulary() = default;
  void index(const std::string& key);
  struct Slot {
    uint32_t tag = 0;  // high half of the hash
    int32_t id = -1;
  };
  std::string block_;
  std::vector<uint32_t> begins_;  // n + 1
  std::vector<TokenType> types_, types_of_file_;
  bool mended_ = false;  // types_of_file_ holds what the file says
  std::vector<float> scores_;
  std::vector<Slot> slots_;  // power of two, at most half full
  size_t longest_ = 0;
};

}  // namespace rustml::tokenizer
