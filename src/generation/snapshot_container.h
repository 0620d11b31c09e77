// The byte container of snapshots: named sections with checksums, written front to back without seeking, and checked to the
// last bit. What the sections mean is snapshot.cpp's business. All numbers little-endian, checksums XXH3-64.
//
//   header, 48 bytes    char[8] "RUSTMLSN", u32 format version, u32 byte order mark 0x01020304, u32 flags (0), u32 sections,
//                       u64 total bytes, u64 checksum of the table, u64 checksum of the 40 bytes before
//   table, 16 a section u32 id (not 0), u32 flags (1: critical), u64 length
//   sections            in table order, each from a multiple of 8, padded with zeros to the next
//   checksums           u64 of each section without its padding
//
// Offsets follow from the lengths, so sections cannot overlap or leave holes. Header and table are the same in every format
// version: damage there is data_loss, never taken for a newer format. A reader ignores unknown sections unless critical.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/byte_reader.h"
#include "base/file_reader.h"
#include "base/hash.h"
#include "runtime/deadline.h"

namespace rustml::generation {

constexpr uint32_t kSnapshotVersion = 1;
constexpr size_t kMaxSnapshotSections = 1024;

struct SnapshotSection {
  uint32_t id;  // not 0, not twice
  bool critical;
  uint64_t length;  // bytes
};

// Exact size of the container of these sections.
uint64_t snapshot_bytes(std::span<const SnapshotSection> sections);

// Small payloads: numbers one after the other, without padding. base::ByteReader reads them back.
class PayloadWriter {
 public:
  template <class T>  // integers and floats
  void number(T value) {
    append(&value, sizeof value);
  }
  void append(const void* data, size_t n) {
    const auto* bytes = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), bytes, bytes + n);
  }
  const std::vector<std::byte>& bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// begin(id), append(...) until the announced length is reached, for every section in order; then finish(). Any other order or
// length is our mistake (internal). Polls the call's stop signal and reports its progress at least every 4 MiB.
class SnapshotWriter {
 public:
  using Write = std::function<void(const void* data, uint64_t n)>;  // throws to stop
  SnapshotWriter(std::vector<SnapshotSection> sections, Write write, runtime::Call& call);
  void begin(uint32_t id);
  void append(const void* data, uint64_t n);
  void finish();

 private:
  void close_section();
  void emit(const void* data, uint64_t n);
  void flush();
  void deliver(const std::byte* bytes, uint64_t n);

  const std::vector<SnapshotSection> sections_;
  const Write write_;
  runtime::Call& call_;
  const uint64_t total_;
  uint64_t written_ = 0;                // bytes given to write_
  std::vector<std::byte> buffer_;       // small pieces on their way
  size_t current_ = 0;                  // the open section, or the next
  uint64_t left_ = 0;                   // bytes of the open section still to come
  std::optional<base::Hasher> hasher_;  // of the open section
  std::vector<uint64_t> checksums_;
};

// The constructor reads and checks header and table only; load and SectionStream check the section that they read. Lengths are
// bounded only by the source's size until then: compare the ones that matter with what is expected first, so that a hostile
// source costs no time.
class SnapshotReader {
 public:
  // known: ids that the caller understands. data_loss: damaged; unimplemented: of a newer version, or needs an unknown section.
  SnapshotReader(base::FileReader& source, std::span<const uint32_t> known);

  const std::vector<SnapshotSection>& sections() const noexcept { return sections_; }
  uint64_t total_bytes() const noexcept { return total_; }
  uint32_t version() const noexcept { return version_; }
  // Length of a section; data_loss when it is absent.
  uint64_t length(uint32_t id) const { return sections_[require(id)].length; }
  bool has(uint32_t id) const noexcept;

  // A whole small section, checked. data_loss when it is longer than `limit`.
  std::vector<std::byte> load(uint32_t id, uint64_t limit);

 private:
  friend class SectionStream;
  size_t find(uint32_t id) const noexcept;  // index, or sections_.size()
  size_t require(uint32_t id) const;
  [[noreturn]] void damaged(const std::string& what) const;

  base::FileReader& source_;
  uint32_t version_ = 0;
  uint64_t total_ = 0, checksums_at_ = 0;
  std::vector<SnapshotSection> sections_;
  std::vector<uint64_t> offsets_;
};

// One section front to back, checksummed as it is read: for payloads that go straight into place.
class SectionStream {
 public:
  SectionStream(SnapshotReader& reader, uint32_t id);
  uint64_t left() const noexcept { return left_; }
  void read(void* buf, uint64_t n);  // data_loss beyond the end
  void finish();                     // data_loss unless everything was read and the checksum and padding are right

 private:
  SnapshotReader& reader_;
  const size_t index_;
  uint64_t left_;
  base::Hasher hasher_;
};

}  // namespace rustml::generation
