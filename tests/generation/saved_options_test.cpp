// Options as a snapshot carries them: the bytes of 1.0, later options by name, and sections that lie.
#include "generation/saved_options.h"

#include <array>
#include <cstring>

#include "../base/expect_error.h"
#include "snapshot_bytes.h"
#include "tiny.h"

namespace rustml::generation {
namespace {

using base::Status;

// An option that no library has.
uint64_t test_only = 0;
constexpr SavedOption kTestOnly{"test_only",
                                [](const GenerationOptions& o, PayloadWriter& out) { out.number(o.max_tokens == 0 ? 0 : test_only); },
                                [](GenerationOptions&, base::ByteReader& in, const char* what) { test_only = in.number<uint64_t>(what); }};
// And one that is a text, kept where an option of 1.0 is.
constexpr SavedOption kText{
    "text",
    [](const GenerationOptions& o, PayloadWriter& out) {
      const std::string text = o.stop_strings.empty() ? "" : o.stop_strings[0];
      out.append(text.data(), text.size());
    },
    [](GenerationOptions& o, base::ByteReader& in, const char* what) { o.stop_strings = {in.string(in.remaining(), what)}; }};
constexpr SavedOption kTestOptions[] = {kTestOnly, kText};

GenerationOptions changed() {
  GenerationOptions o;
  o.max_tokens = 1;
  return o;
}

std::vector<std::byte> section(uint32_t n, std::initializer_list<std::pair<std::string, std::string>> options) {
  PayloadWriter out;
  out.number(n);
  for (const auto& [name, value] : options) {
    out.number(static_cast<uint32_t>(name.size()));
    out.append(name.data(), name.size());
    out.number(static_cast<uint64_t>(value.size()));
    out.append(value.data(), value.size());
  }
  return out.bytes();
}

// Every byte of the options as the format of 1.0 has them, written down here once more.
TEST(SavedOptions, ThoseOf10KeepTheirPlacesForEver) {
  GenerationOptions o;
  o.sampling = {{.seed = 0x0102030405060708,
                 .temperature = 0.5F,
                 .top_k = 40,
                 .top_p = 0.25F,
                 .min_p = 0.125F,
                 .typical_p = 0.75F,
                 .repetition_penalty = 1.5F,
                 .presence_penalty = -2,
                 .frequency_penalty = 3,
                 .repetition_window = 50,
                 .logprobs = 6},
                {{7, -1}}};
  o.max_tokens = 9;
  o.stop_strings = {"ab", "c"};
  o.stop_ids = {10, 11};
  o.rollback = true;
  PayloadWriter out, want;
  for (const SavedOption& option : options_of_1_0()) option.write(o, out);
  want.number(uint64_t{0x0102030405060708});
  for (const float f : {0.5F, 0.25F, 0.125F, 0.75F, 1.5F, -2.0F, 3.0F}) want.number(f);
  for (const uint32_t n : {40, 50, 6}) want.number(n);
  want.number(uint64_t{1});
  want.number(int32_t{7});
  want.number(-1.0F);
  for (const uint64_t n : {9, 2, 2}) want.number(n);
  want.append("ab", 2);
  want.number(uint64_t{1});
  want.append("c", 1);
  want.number(uint64_t{2});
  for (const int32_t id : {10, 11}) want.number(id);
  for (const uint32_t flag : {0, 1, 0}) want.number(flag);
  EXPECT_EQ(out.bytes(), want.bytes());

  const auto source = base::open_memory(out.bytes().data(), out.bytes().size(), "snapshot");
  base::ByteReader in(*source, 0, out.bytes().size());
  GenerationOptions back;
  for (const SavedOption& option : options_of_1_0()) option.read(back, in, option.name);
  PayloadWriter again;
  for (const SavedOption& option : options_of_1_0()) option.write(back, again);
  EXPECT_EQ(again.bytes(), out.bytes());
}

TEST(SavedOptions, LaterOnesAreWrittenByNameWhereTheyAreUsed) {
  test_only = 0;
  EXPECT_TRUE(encode_later_options(changed(), kTestOptions).empty()) << "as ever: an old library reads it";
  test_only = 5;
  EXPECT_EQ(encode_later_options(changed(), kTestOptions), section(1, {{"test_only", std::string("\5\0\0\0\0\0\0\0", 8)}}));
  GenerationOptions o = changed(), back;
  o.stop_strings = {"xyz"};
  const std::vector<std::byte> both = encode_later_options(o, kTestOptions);
  test_only = 0;
  decode_later_options(both, back, kTestOptions);
  EXPECT_EQ(test_only, 5u);
  EXPECT_EQ(back.stop_strings, o.stop_strings);
  decode_later_options(section(2, {{"text", "b"}, {"test_only", "87654321"}}), back, kTestOptions);  // in any order
  EXPECT_EQ(back.stop_strings, std::vector<std::string>{"b"});
}

TEST(SavedOptions, AnUnknownOneIsRefusedByName) {
  GenerationOptions o;
  EXPECT_ERROR(decode_later_options(section(2, {{"text", "b"}, {"future", "1234"}}), o, kTestOptions), Status::unimplemented,
               "option \"future\", which this library does not know; restore it with a newer one");
  const auto engine = open_tiny("linear_f16");
  const auto s = new_session(engine), t = new_session(engine);
  eval(*s, some_ids(6));
  const auto open = s->start(of_ids(some_ids(9)), {}, {});
  Sections sections = sections_of(snapshot_of(*s));
  sections[7] = section(1, {{"future", "1"}});
  EXPECT_ERROR(restore_from(*t, container_of(sections)), Status::unimplemented, "\"future\"");
  EXPECT_ERROR(sections_of(container_of(sections)), Status::unimplemented, "needs section 7");  // libraries before it
  sections[7] = section(0, {});
  restore_from(*t, container_of(sections));
  EXPECT_EQ(t->tokens(), s->tokens());
  sections.erase(5);
  EXPECT_ERROR(restore_from(*t, container_of(sections)), Status::data_loss, "no generation");
}

TEST(SavedOptions, ALieIsDataLoss) {
  GenerationOptions o;
  const auto refused = [&](const std::vector<std::byte>& bytes) {
    EXPECT_EQ(status_of([&] { decode_later_options(bytes, o, kTestOptions); }), Status::data_loss);
  };
  const std::vector<std::byte> right = section(2, {{"test_only", "12345678"}, {"text", "b"}});
  decode_later_options(right, o, kTestOptions);
  for (size_t n = 0; n < right.size(); ++n) refused({right.begin(), right.begin() + static_cast<std::ptrdiff_t>(n)});
  refused(section(1, {{"test_only", "1234567"}}));
  refused(section(1, {{"test_only", "123456789"}}));
  refused(section(2, {{"text", "b"}, {"text", "b"}}));
  refused(section(0, {{"text", "b"}}));
  refused(section(UINT32_MAX, {{"text", "b"}}));
  refused(section(1, {{std::string(65, 'x'), ""}}));
  std::vector<std::byte> wrong = right;
  std::memset(wrong.data() + 4, 0xff, 4);  // length of a name
  refused(wrong);
  wrong = right;
  std::memset(wrong.data() + 8 + std::strlen("test_only"), 0xff, 8);  // of a value
  refused(wrong);
}

// Bytes changed at random: read, or refused as damaged or of another library; never anything else.
TEST(SavedOptions, WhateverTheBytesSay) {
  const std::vector<std::byte> right = section(2, {{"test_only", "12345678"}, {"text", "bcdefgh"}});
  uint32_t x = 1;
  const auto random = [&x](size_t n) { return ((x = x * 1664525u + 1013904223u) >> 8) % static_cast<uint32_t>(n); };
  std::array<int, 3> seen{};
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::byte> wrong = right;
    for (uint32_t n = 1 + random(3); n > 0; --n)
      wrong[random(wrong.size())] = static_cast<std::byte>(random(2) == 0 ? random(256) : random(12));
    GenerationOptions o;
    const Status status = status_of([&] { decode_later_options(wrong, o, kTestOptions); });
    ASSERT_TRUE(status == Status::ok || status == Status::unimplemented || status == Status::data_loss);
    ++seen[status == Status::ok ? 0 : status == Status::unimplemented ? 1 : 2];
  }
  for (const int n : seen) EXPECT_GT(n, 1000);
}

}  // namespace
}  // namespace rustml::generation
