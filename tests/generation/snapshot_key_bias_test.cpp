// Snapshots of Q8_0 caches where keys have large biases: old ones go on as they were, new ones are refused by libraries that would misread
// them.
#include <fstream>
#include <iterator>

#include "snapshot_bytes.h"
#include "tiny.h"

namespace rustml::generation {
namespace {

constexpr uint32_t kKeys = 8;

// By the library before section 8 (9acc97d), on key_bias: a Q8_0 cache of kIds.
std::vector<std::byte> written_before() {
  std::ifstream in(std::string(RUSTML_TEST_DATA) + "/snapshots_1_0/key_bias.snapshot", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  EXPECT_FALSE(text.empty());
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}
// What that library answered to them, greedily.
const std::vector<int32_t> kAnswer = {212, 60, 60, 291, 2, 173, 11, 11, 229, 229, 229, 229};

GenerationOptions greedy(uint64_t n) {
  GenerationOptions o;
  o.max_tokens = n;
  o.ignore_eos = true;
  o.sampling.temperature = 0;
  return o;
}

SessionOptions q8() {
  SessionOptions options;
  options.kv_type = kernels::KvType::q8_0;
  return options;
}

bool knows(const std::vector<std::byte>& bytes, std::initializer_list<uint32_t> known) {
  const auto source = base::open_memory(bytes.data(), bytes.size(), "snapshot");
  return status_of([&] { SnapshotReader(*source, std::span(known.begin(), known.size())); }) == base::Status::ok;
}

TEST(KeyBiasSnapshot, AnOldOneGoesOnAsTheOldLibraryWould) {
  const auto engine = open_tiny("key_bias");
  const auto s = new_session(engine, q8());
  const std::vector<std::byte> old = written_before();
  restore_from(*s, old);
  EXPECT_EQ(snapshot_of(*s), old) << "and is written as it was";
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  for (const auto& session : {s->fork(call), s}) {
    EXPECT_EQ(finish(*session->start(of_ids(session->tokens()), greedy(12), {})).tokens, kAnswer);
    EXPECT_TRUE(knows(snapshot_of(*session), {1, 2, 3, 4}));
  }
}

TEST(KeyBiasSnapshot, ANewOneIsRefusedByLibrariesThatWouldMisreadIt) {
  const auto engine = open_tiny("key_bias");
  const auto s = new_session(engine, q8());
  EXPECT_TRUE(knows(snapshot_of(*s), {1, 2, 3, 4})) << "no cells yet: the old form says it";
  eval(*s, some_ids(40));
  const std::vector<std::byte> bytes = snapshot_of(*s);
  EXPECT_FALSE(knows(bytes, {1, 2, 3, 4, 5, 6, 7}));
  EXPECT_TRUE(knows(bytes, {1, 2, 3, 4, kKeys}));
  for (const auto& other : {open_tiny("key_bias"), engine}) {
    const auto t = new_session(other, q8());
    restore_from(*t, bytes);
    EXPECT_EQ(snapshot_of(*t), bytes);
  }
  const auto f16 = new_session(engine);
  eval(*f16, some_ids(40));
  EXPECT_TRUE(knows(snapshot_of(*f16), {1, 2, 3, 4})) << "other caches keep keys whole";
}

TEST(KeyBiasSnapshot, SectionsThatLieAreRefused) {
  const auto engine = open_tiny("key_bias"), plain = open_tiny("base_f16");
  const auto s = new_session(engine, q8()), p = new_session(plain, q8());
  eval(*s, some_ids(5));
  eval(*p, some_ids(5));
  const auto with_keys = [&](Session& session, float largest, size_t n) {
    Sections sections = sections_of(snapshot_of(session));
    sections[kKeys].resize(n);
    std::memcpy(sections[kKeys].data(), &largest, n);
    return status_of([&] { restore_from(session, container_of(sections)); });
  };
  EXPECT_EQ(with_keys(*s, ops::kLargeKeyBias, 4), base::Status::ok);
  EXPECT_EQ(with_keys(*s, ops::kLargeKeyBias, 3), base::Status::data_loss);
  EXPECT_EQ(with_keys(*s, 2.0f, 4), base::Status::unimplemented) << "other biases are taken out";
  EXPECT_EQ(with_keys(*p, ops::kLargeKeyBias, 4), base::Status::data_loss) << "a model without them";
}

// A session that has an old snapshot's cells keeps their form until it is empty; with it whatever its generations go back to.
TEST(KeyBiasSnapshot, AResetEndsTheOldForm) {
  const auto engine = open_tiny("key_bias");
  const auto fresh = new_session(engine, q8()), s = new_session(engine, q8());
  eval(*fresh, some_ids(40));
  restore_from(*s, written_before());
  const std::vector<std::byte> before = snapshot_of(*s);
  {
    GenerationOptions o = greedy(3);
    o.rollback = true;
    const auto g = s->start(of_ids(some_ids(30, 5)), o, {});
    Event e;
    g->next(e);
    g->next(e);
    g->stop();
    finish(*g);
  }
  EXPECT_EQ(sections_of(snapshot_of(*s))[3], sections_of(before)[3]);
  s->reset();
  eval(*s, some_ids(40));
  EXPECT_EQ(s->logits(), fresh->logits());
  EXPECT_EQ(snapshot_of(*s), snapshot_of(*fresh));
}

}  // namespace
}  // namespace rustml::generation
