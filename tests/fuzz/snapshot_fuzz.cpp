// libFuzzer target of snapshots: arbitrary bytes as a container, as they are and with their checksums made right, so that what lies
// behind the checksums is reached too; and as the options of a generation. Nothing but base::Error may come out.
#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "generation/saved_options.h"

namespace {

using namespace rustml;

void read(const std::vector<uint8_t>& bytes) try {
  const auto source = base::open_memory(bytes.data(), bytes.size(), "fuzz");
  constexpr uint32_t kKnown[] = {1, 2, 3, 4};
  generation::SnapshotReader reader(*source, kKnown);
  for (const generation::SnapshotSection& section : reader.sections()) {
    if (section.length > bytes.size()) __builtin_trap();
    if (reader.load(section.id, bytes.size()).size() != section.length) __builtin_trap();
  }
} catch (const base::Error&) {
}

// By position, then by name: as if every option of 1.0 had come later.
void read_options(const std::vector<uint8_t>& bytes) {
  const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
  generation::GenerationOptions options;
  try {
    const auto source = base::open_memory(data, bytes.size(), "fuzz");
    base::ByteReader in(*source, 0, bytes.size());
    for (const generation::SavedOption& option : generation::options_of_1_0()) option.read(options, in, option.name);
  } catch (const base::Error&) {
  }
  try {
    generation::decode_later_options({data, data + bytes.size()}, options, generation::options_of_1_0());
  } catch (const base::Error&) {
  }
}

// Right magic, total and checksums for whatever sections the table names; often also lengths that add up.
void seal(std::vector<uint8_t>& bytes) {
  constexpr size_t kHeader = 48, kEntry = 16;
  if (bytes.size() < kHeader) return;
  const auto put = [&](size_t at, uint64_t value, size_t n) { std::memcpy(bytes.data() + at, &value, n); };
  const auto number = [&](size_t at) {
    uint64_t value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  };
  const size_t room = (bytes.size() - kHeader) / (kEntry + 8);
  const size_t n = std::min<size_t>(bytes[20] % 8, room);
  if (n > 0 && (bytes[21] & 1) != 0) {
    bytes.resize(bytes.size() / 8 * 8);
    uint64_t left = bytes.size() - kHeader - n * (kEntry + 8);
    for (size_t i = 0; i < n; ++i) {
      const uint64_t length = i + 1 == n ? left : number(kHeader + i * kEntry + 8) % (left + 1);
      put(kHeader + i * kEntry + 8, length, 8);
      left -= (length + 7) / 8 * 8;
    }
  }
  std::memcpy(bytes.data(), "RUSTMLSN", 8);
  put(8, 0x0102030400000001, 8);
  put(16, uint64_t{n} << 32, 8);
  put(24, bytes.size(), 8);
  put(32, base::hash64(bytes.data() + kHeader, n * kEntry), 8);
  put(40, base::hash64(bytes.data(), 40), 8);
  size_t at = kHeader + n * kEntry;
  for (size_t i = 0; i < n; ++i) {
    const uint64_t length = number(kHeader + i * kEntry + 8);
    if (length > bytes.size() - at) return;
    put(bytes.size() - (n - i) * 8, base::hash64(bytes.data() + at, length), 8);
    at = std::min(bytes.size(), at + (length + 7) / 8 * 8);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  read_options(bytes);
  read(bytes);
  seal(bytes);
  read(bytes);
  return 0;
}
