#include "formats/directory.h"

#include <algorithm>

#include "base/error.h"
#include "base/path.h"
#include "base/system_error.h"
#include "formats/json_reader.h"
#include "formats/safetensors.h"
#include "formats/safetensors_index.h"

namespace rustml::formats {
namespace {

namespace fs = std::filesystem;
using base::Status;
using namespace directory_limits;

constexpr const char *kConfig = "config.json", *kWeights = "model.safetensors", *kIndex = "model.safetensors.index.json";
constexpr size_t kMaxListed = 10000;  // names looked at for a hint

struct Document {
  const char* name;
  uint64_t most_bytes;
};
constexpr Document kDocuments[] = {{kConfig, kConfigBytes},
                                   {"generation_config.json", kConfigBytes},
                                   {"tokenizer.json", kTokenizerBytes},
                                   {"tokenizer_config.json", kConfigBytes},
                                   {"special_tokens_map.json", kConfigBytes},
                                   {"chat_template.jinja", kConfigBytes}};

// The directory itself, or the repository of the hub's cache that it is a snapshot of.
fs::path find_root(const fs::path& directory) {
  std::error_code error;
  for (fs::path at = directory; at.has_relative_path(); at = at.parent_path()) {
    const fs::path snapshots = at.parent_path();
    if (snapshots.filename() == "snapshots" && fs::is_directory(snapshots.parent_path() / "blobs", error)) return snapshots.parent_path();
  }
  return directory;
}

[[noreturn]] void fail_to_open(const std::string& what, const std::error_code& error) {
  base::fail(base::status_of(error), what + " was not opened: " + base::errno_text(error.default_error_condition().value()));
}

class Directory {
 public:
  explicit Directory(const std::string& utf8_path) : path_(base::path_of(utf8_path)), name_(base::quoted(utf8_path)) {
    std::error_code error;
    const fs::path real = base::resolved(path_, error);
    if (error) fail_to_open("directory " + name_, error);
    root_ = find_root(real);
  }

  const std::string& name() const { return name_; }
  std::string name_of(const std::string& file) const { return base::quoted(file) + " in " + name_; }

  // Null if there is no such file. What is opened is the file that was found to be inside, not the link again.
  std::unique_ptr<base::FileReader> open(const std::string& file) const {
    const fs::path link = path_ / base::path_of(file);
    std::error_code error;
    if (fs::symlink_status(link, error).type() == fs::file_type::not_found) return nullptr;
    const fs::path real = base::resolved(link, error);
    if (error) {
      if (base::status_of(error) == Status::resource_exhausted) fail_to_open(name_of(file), error);
      base::open_file(base::utf8_of(link));  // says what is wrong with it
      base::fail(Status::data_loss, name_of(file) + " changed while it was opened; try again");
    }
    if (std::mismatch(root_.begin(), root_.end(), real.begin(), real.end()).first != root_.end()) {
      base::fail(Status::permission_denied, name_of(file) + " is a link to " + base::quoted(base::utf8_of(real)) +
                                                ", outside of the model's directory; only files inside are read: copy it there");
    }
    if (fs::is_directory(real, error)) base::fail(Status::data_loss, name_of(file) + " is a directory; it has to be a file");
    return base::open_file(base::utf8_of(real), base::utf8_of(link));
  }

  // What is missing, what the directory holds instead, and the way out.
  [[noreturn]] void fail_missing(const std::string& missing) const {
    std::vector<std::string> names;
    if (base::list_directory(path_, names, kMaxListed) == Status::resource_exhausted)
      base::fail(Status::resource_exhausted, "directory " + name_ + " was not listed: the system lacks memory or open files");
    std::sort(names.begin(), names.end());
    const auto find = [&](const char* prefix, const char* suffix, const std::string& kind) {
      const auto is = [&](const std::string& name) { return name.starts_with(prefix) && name.ends_with(suffix); };
      const auto first = std::find_if(names.begin(), names.end(), is);
      if (first == names.end()) return std::string();
      const bool only = std::all_of(names.begin(), names.end(), is);
      return (only ? "; it holds only " + kind + ", such as " : "; it holds ") + base::quoted(*first);
    };
    const std::string problem = "directory " + name_ + " has " + missing;
    if (const std::string gguf = find("", ".gguf", "GGUF files"); !gguf.empty())
      base::fail(Status::not_found, problem + gguf + ": open that file by its own path");
    std::string onnx = find("", ".onnx", "ONNX files");
    if (onnx.empty()) onnx = find("onnx", "onnx", "ONNX models");  // a directory of that name
    if (!onnx.empty())
      base::fail(Status::unimplemented, problem + onnx +
                                            ", and ONNX is not supported yet: open a GGUF file of this model, or a directory with " +
                                            kConfig + " and its weights as SafeTensors");
    const std::string pickle = find("pytorch_model", ".bin", "Python pickles");
    if (!pickle.empty())
      base::fail(Status::not_found, problem + pickle +
                                        ", a Python pickle, which is not read: save the model again with transformers' "
                                        "save_pretrained, or convert it to GGUF");
    base::fail(Status::not_found,
               problem + "; a model directory has " + kConfig + ", " + kWeights + " (or " + kIndex + " and its shards) and tokenizer.json");
  }

 private:
  fs::path path_, root_;  // as given; resolved
  std::string name_;
};

std::string read_document(const Directory& directory, const Document& document, base::FileReader& reader, runtime::Call& call) {
  if (reader.size() > document.most_bytes) {
    base::fail(Status::resource_exhausted, directory.name_of(document.name) + " has " + std::to_string(reader.size()) +
                                               " bytes; the limit is " + std::to_string(document.most_bytes));
  }
  return read_text(reader, 0, reader.size(), call);
}

void append(ModelFile& model, std::unique_ptr<base::FileReader> reader, SafeTensorsHeader header) {
  for (TensorInfo& tensor : header.tensors) {
    tensor.file = static_cast<uint32_t>(model.readers.size());
    model.index.emplace(tensor.name, model.tensors.size());
    model.tensors.push_back(std::move(tensor));
  }
  model.unsupported.merge(header.unsupported);
  model.readers.push_back(std::move(reader));
}

// Every tensor of a shard is where the index says; so none is in two shards.
void check_shard(const SafeTensorsHeader& header, const SafeTensorsIndex& index, uint32_t shard, const Directory& directory) {
  const auto check = [&](const std::string& tensor) {
    const auto at = index.tensors.find(tensor);
    if (at != index.tensors.end() && at->second == shard) return;
    base::fail(Status::data_loss,
               "tensor " + base::quoted(tensor) + " is in " + directory.name_of(index.shards[shard]) + ", but " + kIndex +
                   (at == index.tensors.end() ? " does not have it" : " says " + base::quoted(index.shards[at->second])));
  };
  for (const TensorInfo& tensor : header.tensors) check(tensor.name);
  for (const auto& [tensor, type] : header.unsupported) check(tensor);
}

void read_shards(ModelFile& model, const Directory& directory, const SafeTensorsIndex& index, runtime::Call& call) {
  for (uint32_t i = 0; i < index.shards.size(); ++i) {
    const std::string& shard = index.shards[i];
    std::unique_ptr<base::FileReader> reader = directory.open(shard);
    if (!reader) {
      base::fail(Status::not_found, "directory " + directory.name() + " has no " + base::quoted(shard) + ", which " + kIndex +
                                        " names; fetch all shards of the model");
    }
    SafeTensorsHeader header = read_safetensors(*reader, directory.name_of(shard), call);
    check_shard(header, index, i, directory);
    append(model, std::move(reader), std::move(header));
  }
  for (const auto& [tensor, shard] : index.tensors) {
    if (model.index.contains(tensor) || model.unsupported.contains(tensor)) continue;
    base::fail(Status::data_loss,
               "tensor " + base::quoted(tensor) + " is not in " + directory.name_of(index.shards[shard]) + ", as " + kIndex + " says");
  }
}

}  // namespace

ModelFile read_directory(const std::string& utf8_path, runtime::Call& call) {
  call.stop.check("model load");
  const Directory directory(utf8_path);
  ModelFile model;
  model.format = Format::safetensors;
  model.name = directory.name();
  for (const Document& document : kDocuments) {
    if (auto reader = directory.open(document.name)) {
      model.documents[document.name] = read_document(directory, document, *reader, call);
      model.beside.push_back(std::move(reader));
    } else if (document.name == std::string_view(kConfig)) {
      directory.fail_missing("no config.json");
    }
  }
  if (std::unique_ptr<base::FileReader> reader = directory.open(kWeights)) {
    SafeTensorsHeader header = read_safetensors(*reader, directory.name_of(kWeights), call);
    append(model, std::move(reader), std::move(header));
  } else if (reader = directory.open(kIndex); reader) {
    const std::string text = read_document(directory, {kIndex, kIndexBytes}, *reader, call);
    model.beside.push_back(std::move(reader));
    read_shards(model, directory, read_safetensors_index(text, directory.name_of(kIndex), call), call);
  } else {
    directory.fail_missing(std::string("neither ") + kWeights + " nor " + kIndex);
  }
  return model;
}

}  // namespace rustml::formats
