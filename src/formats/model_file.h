// What every file format gives: metadata, and named tensors with their place in the file. Nothing here trusts a number
// of the file: by the time a ModelFile exists, shapes, sizes, offsets and names have been checked.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/file_reader.h"
#include "runtime/deadline.h"
#include "tensor/dtype.h"

namespace rustml::formats {

struct Array;  // of one element type
using AnyValue = std::variant<uint64_t, int64_t, double, bool, std::string, std::shared_ptr<const Array>>;
// Its own copies: when memory runs out in those of such a variant, libstdc++ 12 destroys what was never made.
struct Value : AnyValue {
  using AnyValue::AnyValue, AnyValue::operator=;
  Value(const Value& other) : Value(std::visit([](const auto& held) { return Value(held); }, static_cast<const AnyValue&>(other))) {}
  Value(Value&&) noexcept = default;
  Value& operator=(const Value& other) { return *this = Value(other); }
  Value& operator=(Value&&) noexcept = default;
};
// 8-bit numbers keep their size: a file's metadata may not grow more than fourfold in memory.
struct Array {
  std::variant<std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>, std::vector<bool>, std::vector<std::string>,
               std::vector<uint8_t>, std::vector<int8_t>>
      items;
};

struct TensorInfo {
  std::string name;
  tensor::DType dtype;
  std::vector<int64_t> shape;  // outermost first: [rows, cols]; GGUF's order reversed
  uint64_t offset;             // in its file
  uint64_t bytes;
  uint32_t file = 0;  // readers[file]
};

// All that `open` and `open_path` read: a GGUF file, and a directory with SafeTensors.
enum class Format : uint8_t { gguf, safetensors };
struct FormatNames {
  Format format;
  const char *text, *id;  // for people; for rustml_build_json
};
inline constexpr FormatNames kFormats[] = {{Format::gguf, "GGUF", "gguf"}, {Format::safetensors, "SafeTensors", "safetensors"}};
constexpr const FormatNames& names_of(Format format) { return kFormats[static_cast<size_t>(format)]; }

struct ModelFile {
  Format format = Format::gguf;
  uint32_t version = 0;                                    // of the format; 0: it has none
  std::string name;                                        // of the file or directory, for messages
  std::vector<std::unique_ptr<base::FileReader>> readers;  // one, or one per shard
  // Of a Hugging Face directory: the texts beside the weights, by file name: config.json, tokenizer.json, ...
  std::map<std::string, std::string> documents;
  std::vector<std::unique_ptr<base::FileReader>> beside;  // of those texts: kept for require_unchanged()
  // Trees, not hash tables: names chosen to collide must not make loading quadratic.
  std::map<std::string, Value> metadata;
  std::vector<TensorInfo> tensors;      // in file order
  std::map<std::string, size_t> index;  // name -> tensors[i]
  // SafeTensors: name -> type of tensors that nothing here computes with (mask buffers, ...). They only hinder who asks.
  std::map<std::string, std::string> unsupported;

  std::string format_text() const;  // "GGUF v3", "SafeTensors"
  uint64_t bytes() const;           // of all readers
  // All of a tensor's bytes [offset, offset + n).
  void read(const TensorInfo& tensor, uint64_t offset, void* buf, uint64_t n) const {
    readers[tensor.file]->read_at(tensor.offset + offset, buf, n);
  }
  // When everything is read: data_loss if it may be of two versions of the file, or of a directory or split model.
  void require_unchanged(runtime::Call& call) const;
  const TensorInfo* find(const std::string& name) const;  // null: not there; unimplemented if it is in `unsupported`
  const Value* value(const std::string& key) const;
  // The key as this type: absent -> fallback; there but of another type -> data_loss naming it. Signed integers that are
  // not negative count as unsigned.
  uint64_t get_uint(const std::string& key, uint64_t fallback) const;
  double get_float(const std::string& key, double fallback) const;
  bool get_bool(const std::string& key, bool fallback) const;
  std::string get_string(const std::string& key, const std::string& fallback) const;
  // The same without a fallback: absent -> data_loss naming the key.
  uint64_t require_uint(const std::string& key) const;
  double require_float(const std::string& key) const;
  std::string require_string(const std::string& key) const;
};

// Sniffs by content. A tensor type we do not know is `unimplemented` naming tensor and type.
// A file that is no model (text, zip, one SafeTensors file without its directory, one part of a split GGUF, ...) is data_loss
// or unimplemented, saying what it looks like.
ModelFile open(std::unique_ptr<base::FileReader> reader, runtime::Call& call);

// A file as above (with the other parts of a split GGUF beside it), or a Hugging Face directory: config.json,
// model.safetensors or the shards of model.safetensors.index.json, and tokenizer.json, tokenizer_config.json,
// generation_config.json, special_tokens_map.json, chat_template.jinja where they are there. not_found naming what is missing;
// unimplemented where ONNX is all there is.
ModelFile open_path(const std::string& utf8_path, runtime::Call& call);

}  // namespace rustml::formats
