// Metadata values of GGUF files: their types, and a reader of them that counts every byte before it allocates.
#pragma once
#include <string>

#include "base/byte_reader.h"
#include "base/error.h"
#include "formats/model_file.h"

namespace rustml::formats {

enum GgufType : uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
  kGgufTypes
};

class GgufReader {
 public:
  GgufReader(base::FileReader& file, runtime::Call& call) : in(file, 0, file.size()), call_(call) {}
  base::ByteReader in;

  [[noreturn]] void fail(base::Status status, const std::string& problem) const { base::fail(status, in.subject() + problem); }
  // " at byte <offset>" of what was read last, if it took n bytes.
  std::string at(uint64_t n) const { return " at byte " + std::to_string(in.position() - n); }
  void limit(uint64_t value, uint64_t most, const char* what) const;  // resource_exhausted above
  void poll();                                                        // the deadline, now and then

  // A length and that many bytes.
  std::string string(uint64_t most, const char* what);
  GgufType type(const char* what);
  Value value(GgufType type);

 private:
  bool boolean();
  Array array();
  template <class Stored, class ReadItem>
  Array items(uint64_t count, ReadItem read_item);

  runtime::Call& call_;
  uint64_t polled_at_ = 0;
};

}  // namespace rustml::formats
