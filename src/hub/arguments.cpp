#include "hub/arguments.h"

#include "base/utf8.h"

namespace rustml::hub {

using base::fail;
using base::Status;

std::string read_text(const char* ptr, uint64_t len, const char* name) {
  if (!ptr && len != 0) fail(Status::invalid_argument, std::string(name) + " is NULL; must be text, or NULL with length 0");
  if (!ptr) return {};
  if (len == RUSTML_NUL_TERMINATED) len = std::strlen(ptr);
  if (len > 1u << 20) fail(Status::invalid_argument, std::string(name) + " is " + std::to_string(len) + " bytes long; at most 1048576");
  const std::string_view text(ptr, len);
  if (const size_t bad = base::utf8_error(text); bad != base::kValidUtf8)
    fail(Status::invalid_argument, std::string(name) + " is not valid UTF-8 at byte " + std::to_string(bad),
         "{\"offset\":" + std::to_string(bad) + "}");
  if (const size_t at = text.find('\0'); at != text.npos)
    fail(Status::invalid_argument, std::string(name) + " has a NUL byte at offset " + std::to_string(at));
  return std::string(text);
}

void check_struct(const void* given, uint32_t size, size_t known, const char* name) {
  if (size < kMinStruct || size > kMaxStruct)
    fail(Status::invalid_argument,
         std::string(name) + ".struct_size is " + std::to_string(size) + "; must be 8 to 65536, set it to sizeof(" + name + ")");
  for (size_t i = known; i < size; ++i)
    if (static_cast<const unsigned char*>(given)[i] != 0)
      fail(Status::invalid_argument, std::string(name) + " has a field beyond this library's ABI: byte " + std::to_string(i) +
                                         " is set and librustml-hub " + rustml_hub_version() + " knows " + std::to_string(known) +
                                         " bytes; use a newer library");
}

OutText::OutText(char* buf, uint64_t capacity, uint64_t* needed) : buf_(buf), capacity_(capacity), needed_(needed) {
  if (!needed) fail(Status::invalid_argument, "needed is NULL");
  *needed = 0;
  if (!buf && capacity > 0)
    fail(Status::invalid_argument, "buf is NULL with capacity " + std::to_string(capacity) + "; must be a buffer, or NULL with capacity 0");
}

Status OutText::fill(std::string_view text) const noexcept {
  *needed_ = text.size();
  if (!buf_) return Status::ok;
  if (text.size() > capacity_) return Status::buffer_too_small;
  if (!text.empty()) std::memcpy(buf_, text.data(), text.size());
  return Status::ok;
}

}  // namespace rustml::hub
