#include "formats/model_file.h"

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

template <class T>
const T& value_as(const ModelFile& file, const std::string& key, const Value& value, const char* wanted) {
  if (const T* typed = std::get_if<T>(&value)) return *typed;
  base::fail(base::Status::data_loss, key_subject(file, key) + " is " + kind_of(value) + "; it has to be " + wanted);
}

uint64_t as_uint(const ModelFile& file, const std::string& key, const Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    if (*number >= 0) return static_cast<uint64_t>(*number);
    base::fail(base::Status::data_loss, key_subject(file, key) + " is " + std::to_string(*number) + "; it has to be 0 or more");
  }
  return value_as<uint64_t>(file, key, value, "an unsigned integer");
}

double as_float(const ModelFile& file, const std::string& key, const Value& value) {
  return value_as<double>(file, key, value, "a floating-point number");
}

const Value& required(const ModelFile& file, const std::string& key) {
  if (const Value* value = file.value(key)) return *value;
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

uint64_t ModelFile::get_uint(const std::string& key, uint64_t fallback) const {
  const Value* found = value(key);
  return found ? as_uint(*this, key, *found) : fallback;
}

double ModelFile::get_float(const std::string& key, double fallback) const {
  const Value* found = value(key);
  return found ? as_float(*this, key, *found) : fallback;
}

bool ModelFile::get_bool(const std::string& key, bool fallback) const {
  const Value* found = value(key);
  return found ? value_as<bool>(*this, key, *found, "a boolean") : fallback;
}

std::string ModelFile::get_string(const std::string& key, const std::string& fallback) const {
  const Value* found = value(key);
  return found ? value_as<std::string>(*this, key, *found, "a string") : fallback;
}

uint64_t ModelFile::require_uint(const std::string& key) const { return as_uint(*this, key, required(*this, key)); }

double ModelFile::require_float(const std::string& key) const { return as_float(*this, key, required(*this, key)); }

std::string ModelFile::require_string(const std::string& key) const {
  return value_as<std::string>(*this, key, required(*this, key), "a string");
}

}  // namespace rustml::formats
