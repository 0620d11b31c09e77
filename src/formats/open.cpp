// What a file is, by its first bytes: one row per kind. A new format adds a row before the kinds that are refused.
#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "base/ascii.h"
#include "base/error.h"
#include "base/path.h"
#include "base/utf8.h"
#include "formats/directory.h"
#include "formats/gguf.h"
#include "formats/gguf_split.h"
#include "formats/model_file.h"

namespace rustml::formats {
namespace {

using base::Status;
using namespace std::string_view_literals;

constexpr uint64_t kHeadBytes = 512;

bool is_safetensors(std::string_view head, uint64_t size) {  // u64 length of a JSON header, then the header
  uint64_t length;
  if (head.size() < 10) return false;
  std::memcpy(&length, head.data(), sizeof length);
  return head[8] == '{' && length >= 2 && length <= size - 8;
}

bool is_onnx(std::string_view head) {  // protobuf: field 1 ir_version, a small number, then field 2 producer_name or 7 graph
  return head.size() > 3 && head[0] == 0x08 && head[1] > 0 && head[1] < 32 && (head[2] == 0x12 || head[2] == 0x3A);
}

bool is_web_page(std::string_view head) {
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  const std::string start = base::lower_case(head.substr(0, 14));
  return start == "<!doctype html" || start.starts_with("<html");
}

bool is_text(std::string_view head) {
  const size_t bad = base::utf8_error(head);
  if (bad != base::kValidUtf8 && (head.size() < kHeadBytes || bad + 4 <= head.size())) return false;  // the last character may be cut
  return std::none_of(head.begin(), head.end(),
                      [](unsigned char c) { return (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f') || c == 0x7F; });
}

struct Magic {
  std::string_view bytes;
  Status status;
  const char* message;
};

constexpr const char* kConvertOld = "is a GGML file from before GGUF; convert the original model to GGUF";
constexpr const char* kCompressed = "is compressed; unpack it and open the GGUF file inside";

constexpr std::array kRefused = {
    Magic{"GGML"sv, Status::unimplemented, kConvertOld},
    Magic{"lmgg"sv, Status::unimplemented, kConvertOld},  // the old magics are little-endian words: ggml, ggmf, ggjt, ggla
    Magic{"fmgg"sv, Status::unimplemented, kConvertOld},
    Magic{"tjgg"sv, Status::unimplemented, kConvertOld},
    Magic{"algg"sv, Status::unimplemented, "is a GGLA adapter file, not a model; open the model's GGUF file"},
    Magic{"FUGG"sv, Status::unimplemented, "is a GGUF file with reversed bytes; only little-endian files are read"},
    Magic{"PK\x03\x04"sv, Status::unimplemented, "is a zip archive (PyTorch checkpoints are too); unpack it, or convert the model to GGUF"},
    Magic{"\x1F\x8B"sv, Status::unimplemented, kCompressed},
    Magic{"BZh"sv, Status::unimplemented, kCompressed},
    Magic{"\xFD\x37zXZ"sv, Status::unimplemented, kCompressed},
    Magic{"\x28\xB5\x2F\xFD"sv, Status::unimplemented, kCompressed},
    Magic{"\x80\x02"sv, Status::unimplemented, "is a Python pickle (an old PyTorch checkpoint); convert the model to GGUF"},
    Magic{"\x89HDF"sv, Status::unimplemented, "is an HDF5 file (Keras); convert the model to GGUF"},
    Magic{"version https://git-lfs"sv, Status::data_loss, "is a Git LFS pointer, not the model itself; fetch it with `git lfs pull`"},
};

[[noreturn]] void refuse(const std::string& name, std::string_view head, uint64_t size) {
  const auto say = [&](Status status, const std::string& what) { base::fail(status, name + " " + what); };
  if (head.empty()) say(Status::data_loss, "is empty; a GGUF file is wanted");
  if ("GGUF"sv.starts_with(head)) say(Status::data_loss, "is cut: it has only " + std::to_string(size) + " bytes of a GGUF file");
  for (const Magic& magic : kRefused) {
    if (head.starts_with(magic.bytes)) say(magic.status, magic.message);
  }
  if (is_safetensors(head, size)) {
    say(Status::unimplemented,
        "is a SafeTensors file, which holds a model's weights only: open the directory that has its config.json and tokenizer.json too");
  }
  if (is_onnx(head))
    say(Status::unimplemented,
        "looks like an ONNX model, and ONNX is not supported yet: open a GGUF file of this model, or a directory with config.json and "
        "SafeTensors");
  if (is_web_page(head)) say(Status::data_loss, "is a web page (HTML), not a model: the download failed, or went to a page about the file");
  if (is_text(head)) {
    say(Status::data_loss, "is a text file, not a model: it begins with " + base::quoted(head.substr(0, 40)) + "; a GGUF file is wanted");
  }
  base::fail(Status::data_loss, name + " is no model file that is known here: it begins with " + base::quoted(head.substr(0, 8)) +
                                    "; a GGUF file is wanted, which begins with \"GGUF\"");
}

ModelFile open_any(std::unique_ptr<base::FileReader> reader, runtime::Call& call) {
  call.stop.check("model load");
  std::string head(std::min(reader->size(), kHeadBytes), '\0');
  reader->read_at(0, head.data(), head.size());
  if (head.starts_with("GGUF")) return read_gguf(std::move(reader), call);
  refuse(reader->name(), head, reader->size());
}

bool is_directory(const std::string& path) {
  std::error_code error;
  return path.find('\0') == std::string::npos && std::filesystem::is_directory(base::path_of(path), error);
}

}  // namespace

ModelFile open(std::unique_ptr<base::FileReader> reader, runtime::Call& call) {
  ModelFile file = open_any(std::move(reader), call);
  refuse_gguf_part(file);
  return file;
}

ModelFile open_path(const std::string& utf8_path, runtime::Call& call) {
  if (is_directory(utf8_path)) return read_directory(utf8_path, call);
  ModelFile file = open_any(base::open_file(utf8_path), call);
  return is_gguf_part(file) ? join_gguf_parts(std::move(file), utf8_path, call) : std::move(file);
}

}  // namespace rustml::formats
