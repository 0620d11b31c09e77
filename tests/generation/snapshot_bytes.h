// Snapshots as bytes, and with sections exchanged under right checksums.
#pragma once
#include <algorithm>
#include <functional>
#include <map>

#include "generation/snapshot_container.h"
#include "tiny.h"

namespace rustml::generation {

inline std::vector<std::byte> snapshot_of(const Session& s) {
  std::vector<std::byte> bytes;
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  s.snapshot_write(
      [&](const void* data, uint64_t n) {
        bytes.insert(bytes.end(), static_cast<const std::byte*>(data), static_cast<const std::byte*>(data) + n);
      },
      call);
  EXPECT_EQ(bytes.size(), s.snapshot_size());
  return bytes;
}

inline RestoreInfo restore_from(Session& s, const std::vector<std::byte>& bytes) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  return s.restore(*base::open_memory(bytes.data(), bytes.size(), "snapshot"), call);
}

using Sections = std::map<uint32_t, std::vector<std::byte>>;

constexpr uint32_t kAnySection[] = {1, 2, 3, 4, 5, 6, 8};

inline Sections sections_of(const std::vector<std::byte>& bytes) {
  const auto source = base::open_memory(bytes.data(), bytes.size(), "snapshot");
  SnapshotReader reader(*source, kAnySection);
  Sections sections;
  for (const SnapshotSection& s : reader.sections()) sections[s.id] = reader.load(s.id, UINT64_MAX);
  return sections;
}

inline bool is_critical(const std::vector<std::byte>& bytes, uint32_t id) {
  const auto source = base::open_memory(bytes.data(), bytes.size(), "snapshot");
  SnapshotReader reader(*source, kAnySection);
  return std::any_of(reader.sections().begin(), reader.sections().end(),
                     [&](const SnapshotSection& s) { return s.id == id && s.critical; });
}

inline std::vector<std::byte> container_of(const Sections& sections) {
  std::vector<SnapshotSection> table;
  for (const auto& [id, payload] : sections) table.push_back({id, true, payload.size()});
  std::vector<std::byte> bytes;
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  SnapshotWriter out(
      table,
      [&](const void* data, uint64_t n) {
        bytes.insert(bytes.end(), static_cast<const std::byte*>(data), static_cast<const std::byte*>(data) + n);
      },
      call);
  for (const auto& [id, payload] : sections) {
    out.begin(id);
    out.append(payload.data(), payload.size());
  }
  out.finish();
  return bytes;
}

}  // namespace rustml::generation
