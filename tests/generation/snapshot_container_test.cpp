#include "generation/snapshot_container.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstring>
#include <memory>
#include <string>

#include "../base/expect_error.h"

namespace rustml::generation {
namespace {

using Bytes = std::vector<std::byte>;
using Status = base::Status;

constexpr uint32_t kFirst = 1, kSecond = 7, kEmpty = 9, kOptional = 0x80000000;
const std::vector<uint32_t> kKnown = {kFirst, kSecond, kEmpty};

Bytes bytes_of(const std::string& text) {
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

struct Part {
  SnapshotSection section;
  Bytes data;
};

Part part(uint32_t id, bool critical, Bytes data) { return {{id, critical, data.size()}, std::move(data)}; }

Bytes write(const std::vector<Part>& parts, size_t piece = SIZE_MAX) {
  std::vector<SnapshotSection> sections;
  for (const Part& p : parts) sections.push_back(p.section);
  Bytes out;
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  SnapshotWriter writer(
      sections,
      [&](const void* data, uint64_t n) {
        out.insert(out.end(), static_cast<const std::byte*>(data), static_cast<const std::byte*>(data) + n);
      },
      call);
  for (const Part& p : parts) {
    writer.begin(p.section.id);
    for (size_t at = 0; at < p.data.size(); at += std::min(piece, p.data.size() - at))
      writer.append(p.data.data() + at, std::min(piece, p.data.size() - at));
  }
  writer.finish();
  EXPECT_EQ(out.size(), snapshot_bytes(sections));
  return out;
}

std::vector<Part> sample_parts() {
  return {part(kFirst, true, bytes_of("hello")), part(kSecond, true, bytes_of("sixteen bytes ok")), part(kEmpty, true, {}),
          part(kOptional, false, bytes_of("from a newer library"))};
}

// Reads everything: header, table, all sections.
void read_all(const Bytes& bytes) {
  const auto source = base::open_memory(bytes.data(), bytes.size(), "test");
  SnapshotReader reader(*source, kKnown);
  for (const SnapshotSection& s : reader.sections()) (void)reader.load(s.id, 1 << 20);
  for (const uint32_t id : kKnown) (void)reader.length(id);
}

Status read_status(const Bytes& bytes) {
  try {
    read_all(bytes);
  } catch (const base::Error& error) {
    return error.status();
  }
  return Status::ok;
}

// Fields of the header, as snapshot_container.h lays them out.
constexpr size_t kVersionAt = 8, kOrderAt = 12, kFlagsAt = 16, kCountAt = 20, kTotalAt = 24, kTableSumAt = 32, kHeaderSumAt = 40,
                 kTableAt = 48;

template <class T>
void put(Bytes& bytes, size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}
template <class T>
T get(const Bytes& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// What a forger would do: makes the checksums of header and table right again.
Bytes resealed(Bytes bytes) {
  const size_t table = std::min<size_t>(size_t{16} * get<uint32_t>(bytes, kCountAt), bytes.size() - kTableAt);
  put(bytes, kTableSumAt, base::hash64(bytes.data() + kTableAt, table));
  put(bytes, kHeaderSumAt, base::hash64(bytes.data(), kHeaderSumAt));
  return bytes;
}

TEST(SnapshotContainer, WhatIsWrittenIsRead) {
  const Bytes bytes = write(sample_parts());
  const auto source = base::open_memory(bytes.data(), bytes.size(), "test");
  SnapshotReader reader(*source, kKnown);
  EXPECT_EQ(reader.version(), kSnapshotVersion);
  EXPECT_EQ(reader.total_bytes(), bytes.size());
  EXPECT_EQ(reader.sections().size(), 4U);
  EXPECT_EQ(reader.load(kFirst, 5), bytes_of("hello"));
  EXPECT_EQ(reader.load(kEmpty, 0), Bytes());
  EXPECT_TRUE(reader.has(kOptional));
  EXPECT_FALSE(reader.has(2));
  Bytes middle(4);
  SectionStream stream(reader, kSecond);
  stream.read(middle.data(), 4);
  EXPECT_EQ(middle, bytes_of("sixt"));
  EXPECT_EQ(stream.left(), 12U);
  Bytes rest(12);
  stream.read(rest.data(), 12);
  EXPECT_EQ(rest, bytes_of("een bytes ok"));
  EXPECT_NO_THROW(stream.finish());
}

TEST(SnapshotContainer, LayoutIsAsPublished) {  // field by field, so that no other program's snapshots become unreadable
  const Bytes bytes = write({part(3, true, bytes_of("abc"))});
  ASSERT_EQ(bytes.size(), 48U + 16 + 8 + 8);
  EXPECT_EQ(std::memcmp(bytes.data(), "RUSTMLSN", 8), 0);
  EXPECT_EQ(get<uint32_t>(bytes, kVersionAt), 1U);
  EXPECT_EQ(get<uint32_t>(bytes, kOrderAt), 0x01020304U);
  EXPECT_EQ(get<uint32_t>(bytes, kFlagsAt), 0U);
  EXPECT_EQ(get<uint32_t>(bytes, kCountAt), 1U);
  EXPECT_EQ(get<uint64_t>(bytes, kTotalAt), bytes.size());
  EXPECT_EQ(get<uint32_t>(bytes, 48), 3U);
  EXPECT_EQ(get<uint32_t>(bytes, 52), 1U);
  EXPECT_EQ(get<uint64_t>(bytes, 56), 3U);
  EXPECT_EQ(std::memcmp(bytes.data() + 64, "abc\0\0\0\0\0", 8), 0);
  EXPECT_EQ(get<uint64_t>(bytes, 72), 0x78AF5F94892F3950ULL);  // XXH3-64 of "abc"
  EXPECT_EQ(resealed(bytes), bytes);
}

TEST(SnapshotContainer, EveryFlippedBitIsDataLoss) {
  const Bytes good = write(sample_parts());
  ASSERT_EQ(read_status(good), Status::ok);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_EQ(read_status(bad), Status::data_loss) << "bit " << bit;
  }
}

TEST(SnapshotContainer, EveryCutAndEveryTailIsDataLoss) {
  const Bytes good = write(sample_parts());
  for (size_t n = 0; n < good.size(); ++n)
    ASSERT_EQ(read_status(Bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(n))), Status::data_loss) << n;
  for (size_t n = 1; n < 40; ++n) {
    Bytes longer = good;
    longer.resize(good.size() + n);
    ASSERT_EQ(read_status(longer), Status::data_loss) << n;
  }
}

TEST(SnapshotContainer, AnyEditIsRefused) {
  const Bytes good = write(sample_parts());
  EXPECT_TRUE(rc::check([&] {
    Bytes bad = good;
    for (const auto& [at, value] : *rc::gen::nonEmpty(rc::gen::container<std::vector<std::pair<size_t, uint8_t>>>(
             rc::gen::pair(rc::gen::inRange<size_t>(0, good.size()), rc::gen::arbitrary<uint8_t>()))))
      bad[at] = std::byte{value};
    RC_ASSERT(bad == good || read_status(bad) == Status::data_loss);
  }));
}

TEST(SnapshotContainer, NewerFormatsAreUnimplementedByName) {
  const Bytes good = write(sample_parts());
  const auto expect = [&](size_t at, uint32_t value, const char* part) {
    Bytes bytes = good;
    put(bytes, at, value);
    EXPECT_ERROR(read_all(resealed(bytes)), Status::unimplemented, part);
  };
  expect(kVersionAt, 2, "format version 2; this library reads version 1");
  expect(kOrderAt, 0x04030201, "byte order");
  expect(kFlagsAt, 4, "unknown flags 4");
  expect(kTableAt + 4, 3, "section 1 has unknown flags 3");
  expect(kTableAt, 555, "needs section 555");
}

TEST(SnapshotContainer, ForgedTables) {
  const Bytes good = write(sample_parts());
  const auto expect = [&](auto edit, Status status, const char* part) {
    Bytes bytes = good;
    edit(bytes);
    EXPECT_ERROR(read_all(resealed(bytes)), status, part);
  };
  expect([](Bytes& b) { put<uint32_t>(b, kTableAt + 16, kFirst); }, Status::data_loss, "repeated section id 1");
  expect([](Bytes& b) { put<uint32_t>(b, kTableAt, 0); }, Status::data_loss, "empty or repeated section id 0");
  // Lengths whose sum wraps to the right total, or is off by one either way.
  for (const uint64_t length : {UINT64_MAX, UINT64_MAX - 7, UINT64_MAX / 2 + 1, uint64_t{0}, uint64_t{9}, uint64_t{1} << 40})
    expect([&](Bytes& b) { put<uint64_t>(b, kTableAt + 8, length); }, Status::data_loss, "add up");
  expect(
      [](Bytes& b) {
        put<uint64_t>(b, kTableAt + 8, UINT64_MAX - 7);
        put<uint64_t>(b, kTableAt + 24, 32);
      },
      Status::data_loss, "add up");
  expect([](Bytes& b) { put<uint64_t>(b, kTotalAt, UINT64_MAX); }, Status::data_loss, "says it has 18446744073709551615 bytes");
  expect([](Bytes& b) { put<uint32_t>(b, kCountAt, UINT32_MAX); }, Status::resource_exhausted, "4294967295 sections; at most 1024");
  expect([](Bytes& b) { put<uint32_t>(b, kCountAt, 1024); }, Status::data_loss, "ends inside its section table");
  expect([](Bytes& b) { put<uint32_t>(b, kCountAt, 3); }, Status::data_loss, "add up");
  // A shorter length with the same padded size: the table adds up, the section's checksum does not.
  expect([](Bytes& b) { put<uint64_t>(b, kTableAt + 8, 4); }, Status::data_loss, "section 1 that its checksum contradicts");
}

TEST(SnapshotContainer, PaddingMustBeZero) {
  Bytes bytes = write({part(kFirst, true, bytes_of("abc"))});
  bytes[64 + 5] = std::byte{1};
  EXPECT_ERROR(read_all(bytes), Status::data_loss, "padding after section 1");
}

TEST(SnapshotContainer, MissingAndLongSections) {
  const Bytes bytes = write({part(kFirst, true, bytes_of("hello"))});
  const auto source = base::open_memory(bytes.data(), bytes.size(), "kv.bin");
  SnapshotReader reader(*source, kKnown);
  EXPECT_ERROR((void)reader.load(kSecond, 10), Status::data_loss, "kv.bin: snapshot has no section 7");
  EXPECT_ERROR((void)reader.load(kFirst, 4), Status::data_loss, "of 5 bytes; at most 4 are expected");
  std::byte buf[8];
  SectionStream stream(reader, kFirst);
  EXPECT_ERROR(stream.read(buf, 6), Status::data_loss, "has 5 bytes left; 6 are needed");
  EXPECT_ERROR(stream.finish(), Status::data_loss, "5 bytes too many");
}

TEST(SnapshotContainer, EndlessAndLyingSources) {
  for (const uint64_t size : {uint64_t{48}, uint64_t{1} << 62, UINT64_MAX}) {  // as /dev/zero
    const auto zeros = base::open_callback([](uint64_t, void* buf, uint64_t n) { return std::memset(buf, 0, n), 0; }, size, "zeros");
    EXPECT_ERROR(SnapshotReader(*zeros, kKnown), Status::data_loss, "not a snapshot");
  }
  const Bytes good = write(sample_parts());
  const auto stopping = base::open_callback([](uint64_t, void*, uint64_t) { return 42; }, good.size(), "stopping");
  EXPECT_ERROR(SnapshotReader(*stopping, kKnown), Status::callback_stop, "");

  // A section of exabytes is consistent: it costs no more than header and table.
  constexpr uint64_t kHuge = uint64_t{1} << 60;
  Bytes header(kTableAt + 16);
  std::memcpy(header.data(), good.data(), kTableAt);
  const uint64_t total = kTableAt + 16 + kHuge + 8;
  put<uint32_t>(header, kCountAt, 1);
  put<uint64_t>(header, kTotalAt, total);
  put<uint32_t>(header, kTableAt, kFirst);
  put<uint32_t>(header, kTableAt + 4, 1);
  put<uint64_t>(header, kTableAt + 8, kHuge);
  header = resealed(header);
  uint64_t n_read = 0;
  const auto endless = base::open_callback(
      [&](uint64_t offset, void* buf, uint64_t n) {
        std::memset(buf, 0, n);
        if (offset < header.size()) std::memcpy(buf, header.data() + offset, std::min<uint64_t>(n, header.size() - offset));
        n_read += n;
        return 0;
      },
      total, "endless");
  SnapshotReader reader(*endless, kKnown);
  EXPECT_EQ(reader.length(kFirst), kHuge);
  EXPECT_ERROR((void)reader.load(kFirst, 100), Status::data_loss, "at most 100");
  EXPECT_EQ(n_read, header.size());
}

TEST(SnapshotContainer, SourceThatChangesAfterItWasRead) {
  Bytes bytes = write(sample_parts());
  const auto source = base::open_callback(
      [&](uint64_t offset, void* buf, uint64_t n) { return std::memcpy(buf, bytes.data() + offset, n), 0; }, bytes.size(), "changing");
  SnapshotReader reader(*source, kKnown);
  EXPECT_EQ(reader.load(kFirst, 10), bytes_of("hello"));
  bytes[kTableAt + 4 * 16] ^= std::byte{1};  // first byte of the first section
  EXPECT_ERROR((void)reader.load(kFirst, 10), Status::data_loss, "checksum contradicts");
}

TEST(SnapshotContainer, SameBytesHoweverTheyAreAppended) {
  Bytes large(300000);
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::byte>(i * 2654435761U >> 13);
  const std::vector<Part> parts = {part(kFirst, true, bytes_of("x")), part(kSecond, true, large), part(kEmpty, true, {})};
  const Bytes whole = write(parts);
  for (const size_t piece : {1, 7, 4096, 65536, 65537, 100000}) ASSERT_TRUE(write(parts, piece) == whole) << piece;
  EXPECT_EQ(read_status(whole), Status::ok);
}

TEST(SnapshotContainer, WriterReportsProgressAndHearsTheStop) {
  const Bytes large(size_t{20} << 20, std::byte{5});
  const std::vector<SnapshotSection> sections = {{kFirst, true, large.size()}};
  runtime::CancelFlag flag;
  uint64_t written = 0, largest = 0, last = 0;
  const auto write_to = [&](runtime::StopSignal& stop, uint64_t stop_after) {
    runtime::Call call{stop, [&](uint64_t done, uint64_t total) {
                         EXPECT_EQ(total, snapshot_bytes(sections));
                         EXPECT_EQ(done, written);
                         last = done;
                       }};
    written = 0;
    SnapshotWriter writer(
        sections,
        [&](const void*, uint64_t n) {
          written += n;
          largest = std::max(largest, n);
          if (written > stop_after) flag.trigger(1);
        },
        call);
    writer.begin(kFirst);
    writer.append(large.data(), large.size());
    writer.finish();
  };
  runtime::StopSignal stop(&flag);
  write_to(stop, UINT64_MAX);
  EXPECT_EQ(last, snapshot_bytes(sections));
  EXPECT_LE(largest, uint64_t{4} << 20);
  EXPECT_ERROR(write_to(stop, 5 << 20), Status::cancelled, "");
  EXPECT_LE(written, uint64_t{10} << 20);
}

TEST(SnapshotContainer, WriterRefusesItsCallersMistakes) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const std::vector<SnapshotSection> sections = {{kFirst, true, 2}, {kSecond, true, 1}};
  const auto writer = [&] {
    return std::make_unique<SnapshotWriter>(
        sections, [](const void*, uint64_t) {}, call);
  };
  EXPECT_ERROR(writer()->begin(kSecond), Status::internal, "section 7 is out of turn");
  EXPECT_ERROR(writer()->append("a", 1), Status::internal, "longer");
  EXPECT_ERROR(writer()->finish(), Status::internal, "section 1 was not written");
  const auto w = writer();
  w->begin(kFirst);
  w->append("a", 1);
  EXPECT_ERROR(w->append("bc", 2), Status::internal, "longer than announced");
  EXPECT_ERROR(w->begin(kSecond), Status::internal, "section 1 is shorter than announced");
}

TEST(SnapshotContainer, PayloadsAreReadBackByByteReader) {
  PayloadWriter payload;
  payload.number<uint32_t>(0x01020304);
  payload.number<int64_t>(-5);
  payload.number(1.5F);
  payload.append("text", 4);
  EXPECT_EQ(payload.bytes().size(), 20U);
  EXPECT_EQ(payload.bytes()[0], std::byte{4});
  const auto source = base::open_memory(payload.bytes().data(), payload.bytes().size(), "payload");
  base::ByteReader reader(*source, 0, source->size());
  EXPECT_EQ(reader.number<uint32_t>("a"), 0x01020304U);
  EXPECT_EQ(reader.number<int64_t>("b"), -5);
  EXPECT_EQ(reader.number<float>("c"), 1.5F);
  EXPECT_EQ(reader.string(4, "d"), "text");
  EXPECT_ERROR((void)reader.number<uint8_t>("e"), Status::data_loss, "");
}

}  // namespace
}  // namespace rustml::generation
