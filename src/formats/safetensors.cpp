#include "formats/safetensors.h"

#include <algorithm>
#include <optional>
#include <set>

#include "formats/json_reader.h"

namespace rustml::formats {
namespace {

using base::Status;
using namespace safetensors_limits;

struct DataType {
  std::string_view name;
  int64_t bits;
};
constexpr DataType kDataTypes[] = {{"F32", 32},        {"F16", 16},    {"BF16", 16},   {"F64", 64},    {"C64", 64},    {"I64", 64},
                                   {"U64", 64},        {"I32", 32},    {"U32", 32},    {"I16", 16},    {"U16", 16},    {"I8", 8},
                                   {"U8", 8},          {"BOOL", 8},    {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
                                   {"F8_E5M2FNUZ", 8}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F4", 4}};

// What a type is computed with; most are not.
std::optional<tensor::DType> computed(const DataType& type) {
  for (const tensor::DType dtype : {tensor::DType::f32, tensor::DType::f16, tensor::DType::bf16})
    if (tensor::info(dtype).name == type.name) return dtype;
  return std::nullopt;
}

struct Entry {
  TensorInfo tensor;  // offset in the data section until it is placed
  const DataType* type;
};

class Parser {
 public:
  Parser(std::string_view header, const std::string& what, uint64_t data_bytes, runtime::Call& call)
      : what_(what), data_bytes_(data_bytes), json_(header, what, call) {}

  std::vector<Entry> parse() {
    json_.begin_object("the header");
    bool has_metadata = false;
    while (json_.next_key()) {
      if (json_.string() == "__metadata__") {
        if (has_metadata) json_.fail("__metadata__ occurs twice");
        has_metadata = true;
        skip_metadata();
      } else {
        read_entry();
      }
    }
    json_.finish();
    check_names();
    check_cover();
    return std::move(entries_);
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const { base::fail(Status::data_loss, what_ + ": " + problem); }

  void skip_metadata() {
    json_.begin_object("__metadata__");
    while (json_.next_key()) json_.read_string("a value of __metadata__");
  }

  void read_entry() {
    json_.limit(entries_.size() + 1, kTensors, "number of tensors");
    json_.limit(json_.string().size(), kNameBytes, "length of a name");
    if (json_.string().find('\0') != std::string::npos) json_.fail("tensor name " + base::quoted(json_.string()) + " has a NUL byte");
    Entry entry{{json_.string(), {}, {}, 0, 0}, nullptr};
    json_.about("tensor " + base::quoted(entry.tensor.name) + ": ");
    json_.begin_object("its entry");
    bool has_shape = false, has_place = false;
    while (json_.next_key()) {
      if (json_.string() == "dtype" && !entry.type) {
        entry.type = find_type(json_.read_string("dtype"));
      } else if (json_.string() == "shape" && !has_shape) {
        has_shape = true;
        read_shape(entry.tensor);
      } else if (json_.string() == "data_offsets" && !has_place) {
        has_place = true;
        read_place(entry.tensor);
      } else {
        json_.fail("field " + base::quoted(json_.string()) + " occurs twice or is not known");
      }
    }
    if (!entry.type || !has_shape || !has_place)
      json_.fail(std::string(!entry.type ? "dtype" : !has_shape ? "shape" : "data_offsets") + " is missing");
    check_bytes(entry);
    json_.about("");
    entries_.push_back(std::move(entry));
  }

  const DataType* find_type(const std::string& name) const {
    const auto* type = std::find_if(std::begin(kDataTypes), std::end(kDataTypes), [&](const DataType& t) { return t.name == name; });
    if (type == std::end(kDataTypes)) json_.fail("type " + base::quoted(name) + " is not known here", Status::unimplemented);
    return type;
  }

  void read_shape(TensorInfo& tensor) {
    json_.begin_array("shape");
    while (const auto dim = json_.next_unsigned("a dimension")) {
      json_.limit(tensor.shape.size() + 1, kDimensions, "number of dimensions");
      if (*dim > INT64_MAX) json_.fail("a dimension is " + std::to_string(*dim) + ", which does not fit in 63 bits");
      tensor.shape.push_back(static_cast<int64_t>(*dim));
    }
  }

  void read_place(TensorInfo& tensor) {
    json_.begin_array("data_offsets");
    const auto begin = json_.next_unsigned("an offset");
    const auto end = begin ? json_.next_unsigned("an offset") : begin;
    if (!end || json_.next_unsigned("an offset")) json_.fail("data_offsets has to be two integers");
    if (*begin > *end || *end > data_bytes_) {
      json_.fail("it lies at bytes " + std::to_string(*begin) + " to " + std::to_string(*end) + " of the data section, which has " +
                 std::to_string(data_bytes_) + " bytes: the file is cut or damaged");
    }
    tensor.offset = *begin;
    tensor.bytes = *end - *begin;
  }

  void check_bytes(const Entry& entry) const {
    int64_t bits = entry.type->bits;
    for (const int64_t dim : entry.tensor.shape) {
      if (__builtin_mul_overflow(bits, dim, &bits)) json_.fail("its size in bits does not fit in 64 bits");
    }
    if (bits % 8 != 0) json_.fail("its " + std::to_string(bits) + " bits are not a whole number of bytes");
    if (static_cast<uint64_t>(bits / 8) != entry.tensor.bytes) {
      json_.fail("type and shape make " + std::to_string(bits / 8) + " bytes, but data_offsets " + std::to_string(entry.tensor.bytes));
    }
  }

  void check_names() const {
    std::set<std::string_view> names;
    for (const Entry& entry : entries_)
      if (!names.insert(entry.tensor.name).second) fail("tensor " + base::quoted(entry.tensor.name) + " occurs twice");
  }

  void check_cover() {
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.tensor.offset, a.tensor.bytes) < std::pair(b.tensor.offset, b.tensor.bytes);
    });
    uint64_t covered = 0;
    for (const Entry& entry : entries_) {
      const TensorInfo& tensor = entry.tensor;
      if (tensor.offset < covered) {
        const TensorInfo& before = (&entry - 1)->tensor;
        fail("tensor " + base::quoted(tensor.name) + " begins at byte " + std::to_string(tensor.offset) +
             " of the data section, inside tensor " + base::quoted(before.name) + ", which ends at byte " + std::to_string(covered));
      }
      if (tensor.offset > covered) fail_hole(covered, tensor.offset);
      covered += tensor.bytes;
    }
    if (covered != data_bytes_) fail_hole(covered, data_bytes_);
  }

  [[noreturn]] void fail_hole(uint64_t begin, uint64_t end) const {
    fail("bytes " + std::to_string(begin) + " to " + std::to_string(end) + " of the data section belong to no tensor");
  }

  const std::string& what_;
  uint64_t data_bytes_;
  JsonReader json_;
  std::vector<Entry> entries_;
};

// The header's text, after its length was compared with the file.
std::string read_header(base::FileReader& file, const std::string& name, runtime::Call& call) {
  const auto fail = [&](Status status, const std::string& problem) { base::fail(status, name + problem); };
  const uint64_t size = file.size();
  uint64_t length = 0;
  if (size < sizeof length) fail(Status::data_loss, " has " + std::to_string(size) + " bytes; a SafeTensors file has at least 10");
  file.read_at(0, &length, sizeof length);
  if (length < 2 || length > size - sizeof length) {
    fail(Status::data_loss, ": the header has " + std::to_string(length) + " bytes, which do not fit in a file of " + std::to_string(size) +
                                ": it is cut, or not a SafeTensors file");
  }
  if (length > kHeaderBytes) {
    fail(Status::resource_exhausted, ": the header has " + std::to_string(length) + " bytes; the limit is " + std::to_string(kHeaderBytes));
  }
  std::string header = read_text(file, sizeof length, length, call);
  if (header[0] != '{')
    fail(Status::data_loss, ": the header begins with " + base::quoted(header.substr(0, 8)) + "; it has to begin with {");
  return header;
}

}  // namespace

SafeTensorsHeader read_safetensors(base::FileReader& file, const std::string& name, runtime::Call& call) {
  const std::string text = read_header(file, name, call), what = name + ": header";
  const uint64_t data_begin = sizeof(uint64_t) + text.size();
  std::vector<Entry> entries = Parser(text, what, file.size() - data_begin, call).parse();
  SafeTensorsHeader header;
  for (Entry& entry : entries) {
    const std::optional<tensor::DType> dtype = computed(*entry.type);
    if (!dtype) {
      header.unsupported.emplace(std::move(entry.tensor.name), entry.type->name);
      continue;
    }
    entry.tensor.dtype = *dtype;
    entry.tensor.offset += data_begin;
    header.tensors.push_back(std::move(entry.tensor));
  }
  return header;
}

}  // namespace rustml::formats
