// Vocabularies and files the tokenizer tests share: a GGUF's metadata made in memory, GPT-2's alphabet, committed data.
#pragma once
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../exhaustive.h"
#include "base/log.h"
#include "cpu_time.h"
#include "formats/model_file.h"
#include "tokenizer/tokenizer.h"

namespace fixtures {

using rustml::formats::Array;
using rustml::formats::ModelFile;
using rustml::tokenizer::EncodeOptions;
using rustml::tokenizer::Encoding;
using rustml::tokenizer::Span;
using rustml::tokenizer::Tokenizer;

// Sanitizers make everything about ten times slower; the longest texts are shorter there.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
inline const size_t kLongText = kSanitized || !rustml::test::exhaustive() ? 1 << 20 : 10 << 20;  // bytes

constexpr int64_t kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kByte = 6;

template <class T>
std::shared_ptr<const Array> array(std::vector<T> items) {
  return std::make_shared<const Array>(Array{std::move(items)});
}

// The character that stands for a byte in byte-level vocabularies: written down here a second time, from GPT-2's rule.
inline std::string spell(unsigned char wanted) {
  unsigned next = 256;
  for (unsigned b = 0; b < 256; ++b) {
    const bool itself = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
    const unsigned c = itself ? b : next++;
    if (b != wanted) continue;
    if (c < 128) return std::string(1, static_cast<char>(c));
    return {static_cast<char>(0xC0 + c / 64), static_cast<char>(0x80 + c % 64)};
  }
  return {};
}

// Tokens: <|end|> as control, all bytes, then what the merges make, then `more` with their types.
struct ByteVocabulary {
  std::vector<std::string> tokens{"<|im_end|>", "<|im_start|>"}, merges;
  std::vector<int64_t> types{kControl, kControl};

  ByteVocabulary() {
    for (unsigned b = 0; b < 256; ++b) add(spell(static_cast<unsigned char>(b)), kNormal);
  }
  int32_t add(const std::string& text, int64_t type) {
    tokens.push_back(text);
    types.push_back(type);
    return static_cast<int32_t>(tokens.size() - 1);
  }
  int32_t merge(const std::string& left, const std::string& right) {
    merges.push_back(left + " " + right);
    return add(left + right, kNormal);
  }
  void remove(const std::string& text) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i] == text) tokens[i] = "removed " + std::to_string(i);
    }
  }
  int32_t id(const std::string& text) const {
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i] == text) return static_cast<int32_t>(i);
    }
    return -1;
  }
  ModelFile file(const std::string& pre = "gpt-2") const {
    ModelFile file;
    file.metadata["tokenizer.ggml.model"] = std::string("gpt2");
    file.metadata["tokenizer.ggml.pre"] = pre;
    file.metadata["tokenizer.ggml.tokens"] = array(tokens);
    file.metadata["tokenizer.ggml.token_type"] = array(types);
    file.metadata["tokenizer.ggml.merges"] = array(merges);
    file.metadata["tokenizer.ggml.bos_token_id"] = uint64_t{1};
    file.metadata["tokenizer.ggml.eos_token_id"] = uint64_t{0};
    return file;
  }
};

inline std::unique_ptr<Tokenizer> load(const ModelFile& file) {
  rustml::runtime::StopSignal stop;
  rustml::runtime::Call call{stop, {}};
  return rustml::tokenizer::from_gguf(file, call);
}

inline std::vector<int32_t> encode(const Tokenizer& tokenizer, std::string_view text, EncodeOptions options = {}) {
  rustml::runtime::StopSignal stop;
  return tokenizer.encode(text, options, stop).ids;
}

// Records of the tokenizer while it lives, of what is odd.
class OddRecords {
 public:
  OddRecords() {
    rustml::base::log_set("rustml::tokenizer=warn,off", [this](const rustml::base::LogRecord& record) { texts_.push_back(record.text); });
  }
  ~OddRecords() { rustml::base::log_set("", {}); }
  // All since the last call, one line each.
  std::string take() {
    rustml::base::log_deliver();
    std::string all;
    for (const std::string& text : texts_) all += text + "\n";
    texts_.clear();
    return all;
  }

 private:
  std::vector<std::string> texts_;
  rustml::base::ApiScope scope_;
};

// Committed files: varints, texts with their length.
class Data {
 public:
  explicit Data(const std::string& name) : Data(of_path(std::string(RUSTML_TEST_DATA) + "/data/" + name)) {}
  static Data of_path(const std::string& path) {
    Data data;
    std::ifstream in(path, std::ios::binary);
    data.bytes_.assign(std::istreambuf_iterator<char>(in), {});
    EXPECT_FALSE(data.bytes_.empty()) << path << " cannot be read";
    return data;
  }
  bool more() const { return at_ < bytes_.size(); }
  uint64_t varint() {
    uint64_t n = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.at(at_++));
      n |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return n;
    }
  }
  std::string_view text() { return take(varint()); }
  std::string_view take(size_t n) {
    at_ += n;
    return std::string_view(bytes_).substr(at_ - n, n);
  }
  const std::string& all() const { return bytes_; }

 private:
  Data() = default;
  std::string bytes_;
  size_t at_ = 0;
};

// The directory of these documents.
inline std::unique_ptr<Tokenizer> load_huggingface(std::map<std::string, std::string> documents) {
  ModelFile file;
  file.documents = std::move(documents);
  rustml::runtime::StopSignal stop;
  rustml::runtime::Call call{stop, {}};
  return rustml::tokenizer::from_huggingface(file, call);
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace fixtures
