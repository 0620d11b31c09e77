#include "generation/snapshot_container.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"

namespace rustml::generation {
namespace {

constexpr char kMagic[8] = {'R', 'U', 'S', 'T', 'M', 'L', 'S', 'N'};
constexpr uint32_t kByteOrder = 0x01020304;
constexpr uint32_t kCritical = 1;
constexpr uint64_t kHeaderBytes = 48, kEntryBytes = 16, kChecksumBytes = 8, kAlign = 8;
constexpr uint64_t kPiece = uint64_t{4} << 20;     // bytes between two looks at the stop signal
constexpr size_t kBufferBytes = size_t{64} << 10;  // smaller pieces are collected: a sink may be slow to call

// As in the file.
struct Header {
  char magic[8];
  uint32_t version, byte_order, flags, n_sections;
  uint64_t total, table_checksum, checksum;
};
struct Entry {
  uint32_t id, flags;
  uint64_t length;
};
static_assert(sizeof(Header) == kHeaderBytes && sizeof(Entry) == kEntryBytes);

uint64_t header_checksum(const Header& header) { return base::hash64(&header, offsetof(Header, checksum)); }

uint64_t padding(uint64_t length) { return (kAlign - length % kAlign) % kAlign; }

// a + b, or the largest number when that wraps: no file is that long.
uint64_t saturated(uint64_t a, uint64_t b) {
  return a > std::numeric_limits<uint64_t>::max() - b ? std::numeric_limits<uint64_t>::max() : a + b;
}

std::vector<Entry> table_of(std::span<const SnapshotSection> sections) {
  std::vector<Entry> table;
  for (const SnapshotSection& s : sections) table.push_back({s.id, s.critical ? kCritical : 0, s.length});
  return table;
}

std::string name_of(uint32_t id) { return "section " + std::to_string(id); }

}  // namespace

uint64_t snapshot_bytes(std::span<const SnapshotSection> sections) {
  uint64_t total = kHeaderBytes + sections.size() * (kEntryBytes + kChecksumBytes);
  for (const SnapshotSection& s : sections) total = saturated(total, saturated(s.length, padding(s.length)));
  return total;
}

SnapshotWriter::SnapshotWriter(std::vector<SnapshotSection> sections, Write write, runtime::Call& call)
    : sections_(std::move(sections)), write_(std::move(write)), call_(call), total_(snapshot_bytes(sections_)) {
  buffer_.reserve(kBufferBytes);
  const std::vector<Entry> table = table_of(sections_);
  Header header{{}, kSnapshotVersion, kByteOrder, 0, static_cast<uint32_t>(table.size()), total_, 0, 0};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.table_checksum = base::hash64(table.data(), table.size() * sizeof(Entry));
  header.checksum = header_checksum(header);
  emit(&header, sizeof header);
  emit(table.data(), table.size() * sizeof(Entry));
}

void SnapshotWriter::begin(uint32_t id) {
  close_section();
  if (current_ >= sections_.size() || sections_[current_].id != id)
    base::fail(base::Status::internal, "snapshot " + name_of(id) + " is out of turn");
  left_ = sections_[current_].length;
  hasher_.emplace();
}

void SnapshotWriter::append(const void* data, uint64_t n) {
  if (!hasher_ || n > left_) base::fail(base::Status::internal, "snapshot section is longer than announced");
  hasher_->add(data, n);
  left_ -= n;
  emit(data, n);
}

void SnapshotWriter::close_section() {
  if (!hasher_) return;
  if (left_ != 0) base::fail(base::Status::internal, "snapshot " + name_of(sections_[current_].id) + " is shorter than announced");
  constexpr std::array<std::byte, kAlign> kZeros{};
  emit(kZeros.data(), padding(sections_[current_].length));
  checksums_.push_back(hasher_->finish64());
  hasher_.reset();
  ++current_;
}

void SnapshotWriter::finish() {
  close_section();
  if (current_ != sections_.size()) base::fail(base::Status::internal, "snapshot " + name_of(sections_[current_].id) + " was not written");
  emit(checksums_.data(), checksums_.size() * kChecksumBytes);
  flush();
}

void SnapshotWriter::emit(const void* data, uint64_t n) {
  const auto* bytes = static_cast<const std::byte*>(data);
  if (buffer_.size() + n > kBufferBytes) flush();
  if (n > kBufferBytes) return deliver(bytes, n);
  buffer_.insert(buffer_.end(), bytes, bytes + n);
}

void SnapshotWriter::flush() {
  deliver(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void SnapshotWriter::deliver(const std::byte* bytes, uint64_t n) {
  for (uint64_t done = 0; done < n;) {
    const uint64_t piece = std::min(kPiece, n - done);
    call_.stop.check("snapshot");
    write_(bytes + done, piece);
    done += piece;
    written_ += piece;
    if (call_.progress) call_.progress(written_, total_);
  }
}

SnapshotReader::SnapshotReader(base::FileReader& source, std::span<const uint32_t> known) : source_(source) {
  Header header;
  if (source.size() < sizeof header)
    damaged("has " + std::to_string(source.size()) + " bytes; its header alone has " + std::to_string(kHeaderBytes));
  source.read_at(0, &header, sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) damaged("does not begin with RUSTMLSN: it is not a snapshot");
  if (header.checksum != header_checksum(header)) damaged("has a header that its checksum contradicts");
  const auto unsupported = [&](const std::string& what) { base::fail(base::Status::unimplemented, source.name() + ": snapshot " + what); };
  if (header.version != kSnapshotVersion)
    unsupported("has format version " + std::to_string(header.version) + "; this library reads version " +
                std::to_string(kSnapshotVersion));
  if (header.byte_order != kByteOrder) unsupported("has another byte order; this library reads little-endian");
  if (header.flags != 0) unsupported("has unknown flags " + std::to_string(header.flags));
  if (header.total != source.size())
    damaged("says it has " + std::to_string(header.total) + " bytes, but there are " + std::to_string(source.size()));
  if (header.n_sections > kMaxSnapshotSections)
    base::fail(base::Status::resource_exhausted, source.name() + ": snapshot has " + std::to_string(header.n_sections) +
                                                     " sections; at most " + std::to_string(kMaxSnapshotSections) + " are allowed");
  version_ = header.version;
  total_ = header.total;

  std::vector<Entry> table(header.n_sections);
  const uint64_t table_bytes = table.size() * sizeof(Entry);
  if (total_ - kHeaderBytes < table_bytes) damaged("ends inside its section table");
  source.read_at(kHeaderBytes, table.data(), table_bytes);
  if (base::hash64(table.data(), table_bytes) != header.table_checksum) damaged("has a section table that its checksum contradicts");
  uint64_t offset = kHeaderBytes + table_bytes;
  for (const Entry& entry : table) {
    if (entry.id == 0 || find(entry.id) != sections_.size()) damaged("has an empty or repeated section id " + std::to_string(entry.id));
    if (entry.flags > kCritical) unsupported(name_of(entry.id) + " has unknown flags " + std::to_string(entry.flags));
    if (entry.flags == kCritical && std::find(known.begin(), known.end(), entry.id) == known.end())
      unsupported("needs " + name_of(entry.id) + ", which this library does not know");
    sections_.push_back({entry.id, entry.flags == kCritical, entry.length});
    offsets_.push_back(offset);
    offset = saturated(offset, saturated(entry.length, padding(entry.length)));
  }
  checksums_at_ = offset;
  if (saturated(offset, sections_.size() * kChecksumBytes) != total_)
    damaged("has sections that do not add up to its " + std::to_string(total_) + " bytes");
}

void SnapshotReader::damaged(const std::string& what) const { base::fail(base::Status::data_loss, source_.name() + ": snapshot " + what); }

size_t SnapshotReader::find(uint32_t id) const noexcept {
  return static_cast<size_t>(std::find_if(sections_.begin(), sections_.end(), [id](const SnapshotSection& s) { return s.id == id; }) -
                             sections_.begin());
}

bool SnapshotReader::has(uint32_t id) const noexcept { return find(id) != sections_.size(); }

size_t SnapshotReader::require(uint32_t id) const {
  const size_t index = find(id);
  if (index == sections_.size()) damaged("has no " + name_of(id));
  return index;
}

std::vector<std::byte> SnapshotReader::load(uint32_t id, uint64_t limit) {
  const uint64_t n = length(id);
  if (n > limit) damaged("has " + name_of(id) + " of " + std::to_string(n) + " bytes; at most " + std::to_string(limit) + " are expected");
  std::vector<std::byte> bytes(n);
  SectionStream stream(*this, id);
  stream.read(bytes.data(), n);
  stream.finish();
  return bytes;
}

SectionStream::SectionStream(SnapshotReader& reader, uint32_t id)
    : reader_(reader), index_(reader.require(id)), left_(reader.sections_[index_].length) {}

void SectionStream::read(void* buf, uint64_t n) {
  const SnapshotSection& section = reader_.sections_[index_];
  if (n > left_)
    reader_.damaged(name_of(section.id) + " has " + std::to_string(left_) + " bytes left; " + std::to_string(n) + " are needed");
  reader_.source_.read_at(reader_.offsets_[index_] + section.length - left_, buf, n);
  hasher_.add(buf, n);
  left_ -= n;
}

void SectionStream::finish() {
  const SnapshotSection& section = reader_.sections_[index_];
  base::FileReader& source = reader_.source_;
  if (left_ != 0) reader_.damaged(name_of(section.id) + " has " + std::to_string(left_) + " bytes too many");
  uint64_t checksum = 0;
  source.read_at(reader_.checksums_at_ + index_ * kChecksumBytes, &checksum, sizeof checksum);
  if (hasher_.finish64() != checksum) reader_.damaged("has " + name_of(section.id) + " that its checksum contradicts");
  std::array<std::byte, kAlign> bytes{};
  if (const uint64_t n = padding(section.length); n != 0) source.read_at(reader_.offsets_[index_] + section.length, bytes.data(), n);
  if (bytes != std::array<std::byte, kAlign>{}) reader_.damaged("has padding after " + name_of(section.id) + " that is not zero");
}

}  // namespace rustml::generation
