#include "formats/gguf_values.h"

#include "formats/gguf.h"

namespace rustml::formats {
namespace {

using base::Status;
using namespace gguf_limits;

// Bytes that a value takes in the file at least.
constexpr uint64_t kValueBytes[kGgufTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
constexpr uint64_t kPollBytes = 64 << 10;

// A number's type in the file, as a value, and in an array.
template <class InFile, class AsValue, class Item = AsValue>
struct Number {};

// visit(Number) for the type of a number; no other type may come.
template <class Visit>
auto visit_number(GgufType type, Visit visit) {
  switch (type) {
    case kUint8: return visit(Number<uint8_t, uint64_t, uint8_t>());
    case kInt8: return visit(Number<int8_t, int64_t, int8_t>());
    case kUint16: return visit(Number<uint16_t, uint64_t>());
    case kInt16: return visit(Number<int16_t, int64_t>());
    case kUint32: return visit(Number<uint32_t, uint64_t>());
    case kInt32: return visit(Number<int32_t, int64_t>());
    case kUint64: return visit(Number<uint64_t, uint64_t>());
    case kInt64: return visit(Number<int64_t, int64_t>());
    case kFloat32: return visit(Number<float, double>());
    default: return visit(Number<double, double>());
  }
}

}  // namespace

void GgufReader::limit(uint64_t value, uint64_t most, const char* what) const {
  if (value > most)
    fail(Status::resource_exhausted, std::string(what) + " is " + std::to_string(value) + "; the limit is " + std::to_string(most));
}

void GgufReader::poll() {
  if (in.position() - polled_at_ < kPollBytes) return;
  polled_at_ = in.position();
  call_.stop.check("model load");
}

std::string GgufReader::string(uint64_t most, const char* what) {
  const auto length = in.number<uint64_t>(what);
  in.require(length, 1, what);
  if (length > most) {
    fail(Status::resource_exhausted,
         std::string(what) + at(8) + " has " + std::to_string(length) + " bytes; at most " + std::to_string(most) + " are read");
  }
  return in.string(length, what);
}

GgufType GgufReader::type(const char* what) {
  const auto type = in.number<uint32_t>(what);
  if (type >= kGgufTypes)
    fail(Status::data_loss,
         std::string(what) + " " + std::to_string(static_cast<int32_t>(type)) + at(4) + " does not exist; types are 0 to 12");
  return static_cast<GgufType>(type);
}

Value GgufReader::value(GgufType type) {
  if (type == kArray) return std::make_shared<const Array>(array());
  if (type == kString) return string(kStringBytes, "string");
  if (type == kBool) return boolean();
  return visit_number(type, [&]<class F, class V, class I>(Number<F, V, I>) -> Value { return V{in.number<F>("value")}; });
}

bool GgufReader::boolean() {
  const auto byte = in.number<uint8_t>("value");
  if (byte > 1) fail(Status::data_loss, "a boolean is " + std::to_string(byte) + at(1) + "; it has to be 0 or 1");
  return byte == 1;
}

template <class Stored, class ReadItem>
Array GgufReader::items(uint64_t count, ReadItem read_item) {
  std::vector<Stored> items;
  items.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    items.push_back(read_item());
    poll();
  }
  return {std::move(items)};
}

Array GgufReader::array() {
  const GgufType item = type("array item type");
  if (item == kArray) fail(Status::unimplemented, "arrays of arrays are not supported" + at(4));
  const auto count = in.number<uint64_t>("array length");
  in.require(count, kValueBytes[item], "array");
  limit(count, kArrayItems, "array length");
  if (item == kString) return items<std::string>(count, [&] { return string(kStringBytes, "string"); });
  if (item == kBool) return items<bool>(count, [&] { return boolean(); });
  return visit_number(item, [&]<class F, class V, class I>(Number<F, V, I>) {
    return items<I>(count, [&] { return static_cast<I>(in.number<F>("array item")); });
  });
}

}  // namespace rustml::formats
