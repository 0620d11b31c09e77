#include "formats/gguf.h"

#include <algorithm>
#include <numeric>

#include "base/log.h"
#include "base/utf8.h"
#include "formats/gguf_values.h"

namespace rustml::formats {
namespace {

using base::Status;
using namespace gguf_limits;

constexpr const char* kTypeNames[kGgufTypes] = {"UINT8", "INT8",   "UINT16", "INT16",  "UINT32", "INT32",  "FLOAT32",
                                                "BOOL",  "STRING", "ARRAY",  "UINT64", "INT64",  "FLOAT64"};
constexpr uint64_t kMinKeyBytes = 8 + 1 + 4 + 1, kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

// Types of the format that no kernel here computes with, for the message.
struct OtherType {
  int32_t id;
  const char* name;
};
constexpr OtherType kOtherTypes[] = {{4, "Q4_2"},        {5, "Q4_3"},        {9, "Q8_1"},   {15, "Q8_K"},  {24, "I8"},
                                     {25, "I16"},        {26, "I32"},        {27, "I64"},   {28, "F64"},   {31, "Q4_0_4_4"},
                                     {32, "Q4_0_4_8"},   {33, "Q4_0_8_8"},   {34, "TQ1_0"}, {35, "TQ2_0"}, {36, "IQ4_NL_4_4"},
                                     {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"}, {39, "MXFP4"}, {40, "NVFP4"}, {41, "Q1_0"}};
constexpr int32_t kRemovedTypes[] = {4, 5, 31, 32, 33, 36, 37, 38};  // from the format

std::string supported_types() {
  std::string list;
  for (int i = 0; i < tensor::kDTypeCount; ++i)
    list += (list.empty() ? "" : ", ") + std::string(tensor::info(static_cast<tensor::DType>(i)).name);
  return list;
}

class Parser : GgufReader {
 public:
  Parser(ModelFile& file, runtime::Call& call) : GgufReader(*file.readers[0], call), file_(file) {}

  void parse() {
    read_header();
    for (uint64_t i = 0; i < n_keys_; ++i) read_key();
    if (!odd_key_.empty())
      base::log(base::LogLevel::warn, "rustml",
                file_.name + ": key " + base::quoted(odd_key_) + " is not ASCII, as the format asks; such keys are read as they are");
    file_.tensors.reserve(n_tensors_);
    for (uint64_t i = 0; i < n_tensors_; ++i) read_tensor();
    place_tensors();
  }

 private:
  void read_header() {
    in.about("GGUF header");
    if (in.string(4, "magic") != "GGUF") fail(Status::data_loss, "it does not begin with \"GGUF\"");
    const auto version = in.number<uint32_t>("version");
    if (version == 0x02000000 || version == 0x03000000) {
      fail(Status::unimplemented, "the file is big-endian; only little-endian files are read: convert it with gguf_convert_endian.py");
    }
    if (version == 0) fail(Status::data_loss, "version 0 at byte 4 does not exist: the file is damaged");
    if (version != 2 && version != 3) {
      fail(Status::unimplemented,
           "version " + std::to_string(version) + " is not supported; versions 2 and 3 are: convert the model again");
    }
    file_.version = version;
    n_tensors_ = in.number<uint64_t>("number of tensors");
    n_keys_ = in.number<uint64_t>("number of keys");
    in.require(n_keys_, kMinKeyBytes, "list of keys");
    in.require(n_tensors_, kMinTensorBytes, "list of tensors");
    limit(n_keys_, kKeys, "number of keys");
    limit(n_tensors_, kTensors, "number of tensors");
  }

  void read_key() {
    in.about("list of keys");
    const std::string key = string(kKeyBytes, "key");
    if (key.empty()) fail(Status::data_loss, "a key is empty" + at(8));
    const size_t bad = std::min(key.find('\0'), base::utf8_error(key));  // neither: SIZE_MAX
    if (bad != std::string::npos)
      fail(Status::data_loss, "key " + base::quoted(key) + " has a NUL byte or invalid UTF-8" + at(key.size() - bad));
    if (odd_key_.empty() && std::any_of(key.begin(), key.end(), [](unsigned char c) { return c >= 0x80; })) odd_key_ = key;
    in.about("key", key);
    if (file_.metadata.contains(key)) fail(Status::data_loss, "it occurs twice, again" + at(key.size()));
    const GgufType type = this->type("value type");
    Value value = this->value(type);
    if (key == "general.alignment") set_alignment(type, value);
    file_.metadata.emplace(key, std::move(value));
    in.about("");
    poll();
  }

  void set_alignment(GgufType type, const Value& value) {
    if (type != kUint32) fail(Status::data_loss, std::string("its type is ") + kTypeNames[type] + "; it has to be UINT32");
    const uint64_t bytes = std::get<uint64_t>(value);
    limit(bytes, kMaxAlignment, "alignment");
    if (bytes < kMinAlignment || bytes % kMinAlignment != 0) {
      fail(Status::data_loss,
           "alignment is " + std::to_string(bytes) + at(4) + "; it has to be a multiple of " + std::to_string(kMinAlignment));
    }
    if ((bytes & (bytes - 1)) != 0)
      fail(Status::unimplemented, "alignment is " + std::to_string(bytes) + at(4) + "; only powers of two are supported");
    alignment_ = bytes;
  }

  void read_tensor() {
    in.about("list of tensors");
    TensorInfo tensor;
    tensor.name = string(kNameBytes, "tensor name");
    if (tensor.name.empty()) fail(Status::data_loss, "a tensor name is empty" + at(8));
    if (tensor.name.find('\0') != std::string::npos || base::utf8_error(tensor.name) != base::kValidUtf8) {
      fail(Status::data_loss, "tensor name " + base::quoted(tensor.name) + at(tensor.name.size()) + " has a NUL byte or invalid UTF-8");
    }
    in.about("tensor", tensor.name);
    if (!file_.index.emplace(tensor.name, file_.tensors.size()).second)
      fail(Status::data_loss, "it occurs twice, again" + at(tensor.name.size()));

    const auto n_dims = in.number<uint32_t>("number of dimensions");
    if (n_dims == 0) fail(Status::data_loss, "number of dimensions is 0" + at(4));
    limit(n_dims, kDimensions, "number of dimensions");
    for (uint32_t i = 0; i < n_dims; ++i) {
      const auto dim = in.number<uint64_t>("dimension");
      if (dim == 0) fail(Status::data_loss, "a dimension is 0" + at(8));
      limit(dim, kDimension, "a dimension");
      tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(dim));
    }
    tensor.dtype = read_dtype();
    tensor.bytes = count_bytes(tensor);
    tensor.offset = in.number<uint64_t>("offset");
    if (tensor.offset % alignment_ != 0) {
      fail(Status::data_loss, "offset is " + std::to_string(tensor.offset) + at(8) + "; it has to be a multiple of the alignment, " +
                                  std::to_string(alignment_));
    }
    file_.tensors.push_back(std::move(tensor));
    in.about("");
    poll();
  }

  tensor::DType read_dtype() {
    const auto id = in.number<int32_t>("type");
    if (const auto dtype = tensor::from_ggml_type(id)) return *dtype;
    std::string name = "unknown type " + std::to_string(id);
    for (const OtherType& type : kOtherTypes)
      if (type.id == id) name = std::string("type ") + type.name;
    if (std::count(std::begin(kRemovedTypes), std::end(kRemovedTypes), id) > 0) name += " (removed from the format)";
    fail(Status::unimplemented, name + at(4) + " is not supported; supported are " + supported_types());
  }

  uint64_t count_bytes(const TensorInfo& tensor) const {
    const tensor::DTypeInfo& type = tensor::info(tensor.dtype);
    const int64_t row = tensor.shape.back();
    if (row % type.block_elements != 0) {
      fail(Status::data_loss, "rows of " + std::to_string(row) + " values do not fit type " + std::string(type.name) +
                                  ", whose blocks have " + std::to_string(type.block_elements));
    }
    int64_t bytes = tensor::row_bytes(tensor.dtype, row);  // below 2^43
    for (size_t i = 0; i + 1 < tensor.shape.size(); ++i) {
      if (__builtin_mul_overflow(bytes, tensor.shape[i], &bytes)) fail(Status::data_loss, "its size does not fit in 64 bits");
    }
    return static_cast<uint64_t>(bytes);
  }

  // From offsets in the data section to offsets in the file, once all of them are known.
  void place_tensors() {
    if (file_.tensors.empty()) return;
    const uint64_t size = file_.readers[0]->size(), begin = (in.position() + alignment_ - 1) / alignment_ * alignment_;
    if (begin > size) {
      fail(Status::data_loss, "the data section would begin at byte " + std::to_string(begin) + ", but the file has only " +
                                  std::to_string(size) + " bytes: it is cut");
    }
    for (TensorInfo& tensor : file_.tensors) {
      if (tensor.offset > size - begin || tensor.bytes > size - begin - tensor.offset) {
        in.about("tensor", tensor.name);
        fail(Status::data_loss, std::to_string(tensor.bytes) + " bytes at offset " + std::to_string(tensor.offset) +
                                    " of the data section do not fit in the file, whose data section has " + std::to_string(size - begin) +
                                    " bytes: it is cut or damaged");
      }
      tensor.offset += begin;
    }
    std::vector<size_t> order(file_.tensors.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return file_.tensors[a].offset < file_.tensors[b].offset; });
    for (size_t i = 1; i < order.size(); ++i) {
      const TensorInfo &before = file_.tensors[order[i - 1]], &tensor = file_.tensors[order[i]];
      if (before.offset + before.bytes > tensor.offset) {
        in.about("tensor", tensor.name);
        fail(Status::data_loss, "it begins at byte " + std::to_string(tensor.offset) + ", inside tensor " + base::quoted(before.name) +
                                    " (bytes " + std::to_string(before.offset) + " to " + std::to_string(before.offset + before.bytes) +
                                    ")");
      }
    }
  }

  ModelFile& file_;
  uint64_t n_tensors_ = 0, n_keys_ = 0, alignment_ = 32;
  std::string odd_key_;  // the first that is not ASCII
};

}  // namespace

ModelFile read_gguf(std::unique_ptr<base::FileReader> reader, runtime::Call& call) {
  ModelFile file;
  file.name = reader->name();
  file.readers.push_back(std::move(reader));
  call.stop.check("model load");
  Parser(file, call).parse();
  return file;
}

}  // namespace rustml::formats
