#include "boundary/structs.h"

#include "base/json_writer.h"
#include "boundary/library.h"

namespace rustml::boundary {

using base::fail;
using base::Status;

void check_struct_size(uint32_t size, const char* name) {
  if (size < kMinStruct || size > kMaxStruct)
    refuse_field(std::string(name) + ".struct_size", size, "8 to 65536, set it to sizeof(" + std::string(name) + ")");
}

void check_zero_tail(const void* data, size_t from, size_t to, const char* name) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (size_t i = from; i < to; ++i)
    if (bytes[i] != 0)
      fail(Status::invalid_argument,
           std::string(name) + " has a field beyond this library's ABI: byte " + std::to_string(i) + " is set and " + library_name() +
               " knows " + std::to_string(from) + " bytes; use a newer library",
           base::JsonObject().add("field", name).add("offset", i).add("rule", "zeros from byte " + std::to_string(from) + " on").str());
}

}  // namespace rustml::boundary
