// Memory before the first tensor byte is at most 4 x metadata + 16 MiB. Every operator new of this program is counted.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "base/error.h"
#include "gguf_builder.h"
#include "open_bytes.h"
#include "safetensors_builder.h"

namespace {
std::atomic<size_t> now{0}, peak{0};
}

// noinline: gcc would see malloc and free through them and call the pairs mismatched.
[[gnu::noinline]] void* operator new(size_t n) {
  void* block = std::malloc(n);
  if (block == nullptr) throw std::bad_alloc();
  const size_t held = now += malloc_usable_size(block);
  if (held > peak) peak = held;
  return block;
}
// std::stable_sort's; without it AddressSanitizer has its own, and sees it freed by ours.
[[gnu::noinline]] void* operator new(size_t n, const std::nothrow_t&) noexcept {
  try {
    return operator new(n);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  if (block != nullptr) now -= malloc_usable_size(block);
  std::free(block);
}
void operator delete(void* block, size_t) noexcept { operator delete(block); }

namespace rustml::formats::test {
namespace {

template <class Read>
void expect_within_limit(const std::string& bytes, const char* what, Read read) {
  const size_t before = now;
  peak = before;
  try {
    read(bytes);
  } catch (const base::Error&) {
  }
  const size_t used = peak - before, most = 4 * bytes.size() + (16 << 20);
  EXPECT_LE(used, most) << what;
  printf("%-28s %9zu bytes of metadata, %10zu bytes of memory, limit %10zu\n", what, bytes.size(), used, most);
}

void expect_within_limit(const std::string& bytes, const char* what) { expect_within_limit(bytes, what, open_bytes); }

TEST(GgufMemory, WorstMetadata) {
  constexpr size_t kBytes = 4 << 20;
  static constexpr struct {
    uint32_t type;
    size_t bytes;
  } kTypes[] = {{U8, 1}, {I8, 1}, {U16, 2}, {I16, 2}, {U32, 4}, {I32, 4}, {F32, 4}, {BOOL, 1}, {U64, 8}, {I64, 8}, {F64, 8}};
  for (const auto& type : kTypes) {
    expect_within_limit(gguf({array("k", type.type, kBytes / type.bytes, zeros(kBytes))}, {}),
                        ("array of type " + std::to_string(type.type)).c_str());
  }
  for (const size_t length : {0, 1, 15, 16, 17, 31, 100}) {
    std::string payload;
    const size_t count = kBytes / (8 + length);
    for (size_t i = 0; i < count; ++i) payload += text(std::string(length, 'x'));
    expect_within_limit(gguf({array("k", STR, count, payload)}, {}), ("strings of " + std::to_string(length)).c_str());
    expect_within_limit(gguf({array("k", STR, count, payload.substr(0, payload.size() / 2))}, {}), "the same, cut");
  }
  expect_within_limit(gguf({key("k", STR, text(std::string(kBytes, 'x')))}, {}), "one string");
}

TEST(GgufMemory, MostKeysAndTensors) {
  std::vector<std::string> keys, tensors;
  for (uint32_t i = 0; i < 65536; ++i) {
    char text_of[8];
    snprintf(text_of, sizeof text_of, "%x", i);
    keys.push_back(key(text_of, BOOL, "\1"));
    tensors.push_back(tensor(text_of, {8}, T_F32, i * 32));
  }
  expect_within_limit(gguf(keys, {}), "65536 keys");
  expect_within_limit(gguf({}, tensors), "65536 tensors, cut");
  for (auto& part : keys) part = array(part.substr(8, part.size() - 13), U8, 0, "");
  expect_within_limit(gguf(keys, {}), "65536 empty arrays");
  expect_within_limit(gguf(keys, tensors), "both, cut");
}

TEST(SafeTensorsMemory, MostTensors) {
  for (const char* dtype : {"F32", "U8"}) {
    for (const char* shape : {"[0]", "[0,0,0,0,0,0,0,0]"}) {
      std::string header = "{";
      for (int i = 0; i < 65536; ++i) header += (i ? "," : "") + entry(std::to_string(i), dtype, shape, "[0,0]");
      expect_within_limit(safetensors(header + '}'), (std::string("65536 tensors ") + dtype + shape).c_str(), read_bytes);
    }
  }
  std::string header = "{";
  for (int i = 0; i < 1000; ++i) header += (i ? "," : "") + entry(std::string(4000, 'n') + std::to_string(i), "F32", "[0]", "[0,0]");
  expect_within_limit(safetensors(header + '}'), "long names", read_bytes);
  expect_within_limit(safetensors("{\"" + std::string(4 << 20, 'n') + "\":"), "one long name", read_bytes);
}

}  // namespace
}  // namespace rustml::formats::test
