#include "formats/model_file.h"

#include <optional>

#include "base/error.h"

namespace rustml::formats {
namespace {

const char* kind_of(const Value& value) {
  static constexpr const char* kKinds[] = {"an unsigned integer", "a signed integer", "a floating-point number",
                                           "a boolean",           "a string",         "an array"};
  static_assert(std::size(kKinds) == std::variant_size_v<AnyValue>);
  return kKinds[value.index()];
}

std::string key_subject(const ModelFile& file, const std::string& key) {
  return (file.name.empty() ? std::string() : file.name + ": ") + "key " + base::quoted(key);
}

// The key as a T; nothing where it is absent.
template <class T>
std::optional<T> typed(const ModelFile& file, const std::string& key, const char* wanted) {
  const auto refuse = [&](const std::string& found, const char* needed) {
    base::fail(base::Status::data_loss, key_subject(file, key) + " is " + found + "; it has to be " + needed);
  };
  const Value* value = file.value(key);
  if (!value) return std::nullopt;
  if (const T* same = std::get_if<T>(value)) return *same;
  if constexpr (std::same_as<T, uint64_t>) {
    const auto* number = std::get_if<int64_t>(value);
    if (number && *number < 0) refuse(std::to_string(*number), "0 or more");
    if (number) return static_cast<uint64_t>(*number);
  }
  refuse(kind_of(*value), wanted);
  return std::nullopt;
}

auto as_uint(const ModelFile& file, const std::string& key) { return typed<uint64_t>(file, key, "an unsigned integer"); }
auto as_float(const ModelFile& file, const std::string& key) { return typed<double>(file, key, "a floating-point number"); }
auto as_string(const ModelFile& file, const std::string& key) { return typed<std::string>(file, key, "a string"); }

template <class T>
T require(const ModelFile& file, const std::string& key, std::optional<T> value) {
  if (value) return *std::move(value);
  base::fail(base::Status::data_loss, key_subject(file, key) + " is missing");
}

}  // namespace

std::string ModelFile::format_text() const {
  return std::string(names_of(format).text) + (version > 0 ? " v" + std::to_string(version) : "");
}

uint64_t ModelFile::bytes() const {
  uint64_t sum = 0;
  for (const auto& reader : readers) sum += reader->size();
  return sum;
}

void ModelFile::require_unchanged(runtime::Call& call) const {
  const auto poll = [&] { call.stop.check("model load"); };
  for (const auto* files : {&readers, &beside})
    for (const auto& file : *files) {
      file->require_unchanged(poll);
      if (readers.size() + beside.size() > 1) file->require_in_place();
    }
}

const TensorInfo* ModelFile::find(const std::string& name) const {
  if (const auto at = index.find(name); at != index.end()) return &tensors[at->second];
  if (const auto at = unsupported.find(name); at != unsupported.end()) {
    base::fail(base::Status::unimplemented,
               "tensor " + base::quoted(name) + " has type " + at->second +
                   "; of SafeTensors files F32, F16 and BF16 are supported: save the model again with one of them");
  }
  return nullptr;
}

const Value* ModelFile::value(const std::string& key) const {
  const auto at = metadata.find(key);
  return at == metadata.end() ? nullptr : &at->second;
}

uint64_t ModelFile::get_uint(const std::string& key, uint64_t fallback) const { return as_uint(*this, key).value_or(fallback); }
double ModelFile::get_float(const std::string& key, double fallback) const { return as_float(*this, key).value_or(fallback); }
bool ModelFile::get_bool(const std::string& key, bool fallback) const { return typed<bool>(*this, key, "a boolean").value_or(fallback); }
std::string ModelFile::get_string(const std::string& key, const std::string& fallback) const {
  return as_string(*this, key).value_or(fallback);
}

uint64_t ModelFile::require_uint(const std::string& key) const { return require(*this, key, as_uint(*this, key)); }
double ModelFile::require_float(const std::string& key) const { return require(*this, key, as_float(*this, key)); }
std::string ModelFile::require_string(const std::string& key) const { return require(*this, key, as_string(*this, key)); }

}  // namespace rustml::formats
