#include "boundary/arguments.h"

#include "base/json_writer.h"
#include "base/utf8.h"

namespace rustml::boundary {

using base::fail;
using base::Status;

void require_zero(uint64_t value, const char* name) {
  if (value != 0) refuse_field(name, value, "0");
}

bool read_bool(uint32_t value, const char* name) {
  if (value > 1) refuse_field(name, value, "0 or 1");
  return value == 1;
}

void require_flags(uint32_t flags, uint32_t known, const char* name) {
  if (flags & ~known)
    fail(Status::invalid_argument,
         std::string(name) + " has unknown bits: " + std::to_string(flags & ~known) + "; known are " + std::to_string(known),
         base::refusal_detail(name, flags, "of no bits but those of " + std::to_string(known)));
}

void require_pointer(const void* pointer, const char* name) {
  if (!pointer) fail(Status::invalid_argument, std::string(name) + " is NULL", base::refusal_detail(name, "NULL", "no NULL"));
}

std::string_view read_text(const char* ptr, uint64_t len, const char* name) {
  if (!ptr) {
    if (len != 0)
      refuse_field(name, len == RUSTML_NUL_TERMINATED ? std::string("NULL") : "NULL with length " + std::to_string(len),
                   "text, or NULL with length 0");
    return {};
  }
  if (len == RUSTML_NUL_TERMINATED) len = std::strlen(ptr);
  if (len > kMaxBytes) refuse_field(name, std::to_string(len) + " bytes long", "at most 2^47 bytes long");
  const std::string_view text(ptr, len);
  if (const size_t bad = base::utf8_error(text); bad != base::kValidUtf8)
    fail(Status::invalid_argument, std::string(name) + " is not valid UTF-8 at byte " + std::to_string(bad),
         base::JsonObject().add("field", name).add("offset", bad).add("rule", "valid UTF-8").str());
  return text;
}

std::string read_string(const char* ptr, uint64_t len, const char* name) {
  if (ptr && len == RUSTML_NUL_TERMINATED) len = std::strlen(ptr);
  if (ptr && len > kMaxStringBytes) refuse_field(name, std::to_string(len) + " bytes long", "at most 1048576 bytes long");
  const std::string_view text = read_text(ptr, len, name);
  if (const size_t at = text.find('\0'); at != text.npos)
    fail(Status::invalid_argument, std::string(name) + " has a NUL byte at offset " + std::to_string(at),
         base::JsonObject().add("field", name).add("offset", at).add("rule", "without NUL bytes").str());
  return std::string(text);
}

std::string read_path(const char* path, uint64_t len) {
  std::string text = read_string(path, len, "path");
  if (text.empty()) refuse_field("path", "empty", "the path of a file");
  return text;
}

std::span<const int32_t> read_ids(const int32_t* ids, uint64_t n, const char* name) {
  if (!ids && n > 0) refuse_field(name, "NULL with count " + std::to_string(n), "ids, or NULL with count 0");
  if (n > kMaxBytes / sizeof(int32_t)) refuse_field(name, std::to_string(n) + " long", "at most 2^45 long");
  return {ids, n};
}

std::span<const std::byte> read_bytes(const void* data, uint64_t len, const char* name) {
  if (!data && len > 0) refuse_field(name, "NULL with length " + std::to_string(len), "data, or NULL with length 0");
  if (len > kMaxBytes) refuse_field(name, std::to_string(len) + " bytes long", "at most 2^47 bytes long");
  return {static_cast<const std::byte*>(data), len};
}

}  // namespace rustml::boundary
