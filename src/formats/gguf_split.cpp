#include "formats/gguf_split.h"

#include <cstdio>

#include "base/error.h"
#include "formats/gguf.h"

namespace rustml::formats {
namespace {

using base::Status;

constexpr const char *kNumber = "split.no", *kCount = "split.count", *kTensorCount = "split.tensors.count";

std::string suffix(uint64_t number, uint64_t count) {
  char text[64];
  std::snprintf(text, sizeof text, "-%05llu-of-%05llu.gguf", static_cast<unsigned long long>(number + 1),
                static_cast<unsigned long long>(count));
  return text;
}

std::string part_of(uint64_t number, uint64_t count) { return "part " + std::to_string(number + 1) + " of " + std::to_string(count); }

void require_key(const ModelFile& part, const char* key, uint64_t wanted, const std::string& why) {
  const uint64_t value = part.require_uint(key);
  if (value != wanted) {
    base::fail(Status::data_loss,
               part.name + ": " + key + " is " + std::to_string(value) + ", but " + why + " it has to be " + std::to_string(wanted));
  }
}

ModelFile open_part(const std::string& path, const std::string& which, runtime::Call& call) {
  std::unique_ptr<base::FileReader> reader;
  try {
    reader = base::open_file(path);
  } catch (const base::Error& error) {
    base::fail(error.status(), which + " of the model is needed too: " + error.message());
  }
  return read_gguf(std::move(reader), call);
}

void append(ModelFile& model, ModelFile part) {
  if (model.tensors.size() + part.tensors.size() > gguf_limits::kTensors) {
    base::fail(Status::resource_exhausted,
               part.name + ": with its tensors the model has more than " + std::to_string(gguf_limits::kTensors));
  }
  for (TensorInfo& tensor : part.tensors) {
    tensor.file = static_cast<uint32_t>(model.readers.size());
    if (!model.index.emplace(tensor.name, model.tensors.size()).second)
      base::fail(Status::data_loss, part.name + ": tensor " + base::quoted(tensor.name) + " is in an earlier part of the model too");
    model.tensors.push_back(std::move(tensor));
  }
  model.readers.push_back(std::move(part.readers[0]));
}

}  // namespace

bool is_gguf_part(const ModelFile& file) { return file.get_uint(kCount, 1) > 1; }

void refuse_gguf_part(const ModelFile& file) {
  if (!is_gguf_part(file)) return;
  base::fail(Status::unimplemented, file.name + " is one of " + std::to_string(file.require_uint(kCount)) +
                                        " parts of a model (split.count): open it by its path with the others beside it, or join them "
                                        "with llama-gguf-split --merge");
}

ModelFile join_gguf_parts(ModelFile part, const std::string& utf8_path, runtime::Call& call) {
  const uint64_t count = part.require_uint(kCount), given = part.require_uint(kNumber);
  if (count > kMaxGgufParts) {
    base::fail(Status::resource_exhausted,
               part.name + ": split.count is " + std::to_string(count) + "; the limit is " + std::to_string(kMaxGgufParts));
  }
  if (given >= count || !utf8_path.ends_with(suffix(given, count))) {
    base::fail(Status::data_loss, part.name + ": by its keys it is " + part_of(given, count) + ", so its name has to end in " +
                                      base::quoted(suffix(given, count)) + " for the others to be found");
  }
  const std::string stem = utf8_path.substr(0, utf8_path.size() - suffix(given, count).size());
  ModelFile model;
  uint64_t n_tensors = 0;
  for (uint64_t i = 0; i < count; ++i) {
    ModelFile next = i == given ? std::move(part) : open_part(stem + suffix(i, count), part_of(i, count), call);
    require_key(next, kNumber, i, "by its name");
    require_key(next, kCount, count, "by its name");
    if (i == 0) {
      n_tensors = next.require_uint(kTensorCount);
      model.version = next.version;
      model.name = next.name;
      model.metadata = std::move(next.metadata);
    } else {
      require_key(next, kTensorCount, n_tensors, "as in the first part");
    }
    append(model, std::move(next));
  }
  if (model.tensors.size() != n_tensors) {
    base::fail(Status::data_loss, model.name + ": split.tensors.count is " + std::to_string(n_tensors) + ", but the parts have " +
                                      std::to_string(model.tensors.size()) + " tensors");
  }
  return model;
}

}  // namespace rustml::formats
