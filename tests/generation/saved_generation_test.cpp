// Where a generation goes on and back to after a snapshot, snapshots of the library before section 6, and sections that lie.
#include "generation/saved_generation.h"

#include <array>
#include <cfloat>
#include <cstring>
#include <fstream>
#include <iterator>

#include "snapshot_bytes.h"
#include "tiny.h"

namespace rustml::generation {
namespace {

constexpr uint32_t kWayBack = 6;

GenerationOptions answer(bool rollback, uint64_t n = 12) {
  GenerationOptions o;
  o.max_tokens = n;
  o.ignore_eos = true;
  o.rollback = rollback;
  o.sampling.temperature = 1;
  o.sampling.seed = 7;
  return o;
}

std::vector<int32_t> joined(std::vector<int32_t> a, const std::vector<int32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<int32_t> first(const std::vector<int32_t>& ids, size_t n) {
  return {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n)};
}

std::vector<float> scores_of(const std::shared_ptr<Engine>& engine, const std::vector<int32_t>& ids, const SessionOptions& options = {}) {
  const auto s = new_session(engine, options);
  eval(*s, ids);
  return s->logits();
}

// By the library of ABI 1.0 (605fc02), on linear_f16.
std::vector<std::byte> written_by_1_0(const std::string& name) {
  std::ifstream in(std::string(RUSTML_TEST_DATA) + "/snapshots_1_0/" + name + ".snapshot", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  EXPECT_FALSE(text.empty()) << name;
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

const std::vector<int32_t> kBefore = some_ids(60);
// Prompts as they may relate to the tokens of the session.
const struct {
  const char* name;
  std::vector<int32_t> ids;
} kPrompts[] = {{"extending", joined(kBefore, some_ids(30, 2))},
                {"equal", kBefore},
                {"shorter", first(kBefore, 40)},
                {"parting", joined(first(kBefore, 20), some_ids(50, 3))},
                {"other", some_ids(50, 4)}};

TEST(SavedGeneration, ThatHasNotBegunIsCarriedWithEveryPrompt) {
  const auto engine = open_tiny("base_q8_0");
  for (const auto& [name, prompt] : kPrompts) {
    SCOPED_TRACE(name);
    const auto s = new_session(engine), t = new_session(engine), undisturbed = new_session(engine);
    eval(*s, kBefore);
    eval(*undisturbed, kBefore);
    const auto open = s->start(of_ids(prompt), answer(false), {});
    EXPECT_TRUE(restore_from(*t, snapshot_of(*s)).generation_open);
    EXPECT_EQ(t->tokens(), kBefore);
    EXPECT_EQ(snapshot_of(*t), snapshot_of(*s)) << "written again before it is resumed";
    const Answer got = finish(*t->resume({})), want = finish(*undisturbed->start(of_ids(prompt), answer(false), {}));
    EXPECT_EQ(got.tokens.size(), 12u);
    EXPECT_EQ(got.tokens, want.tokens);
    EXPECT_EQ(got.text, want.text);
    EXPECT_EQ(t->tokens(), undisturbed->tokens());
  }
}

TEST(SavedGeneration, GoesBackToTheTokensBeforeItsStart) {
  const auto engine = open_tiny("base_q8_0");
  for (const kernels::KvType type : {kernels::KvType::f32, kernels::KvType::f16, kernels::KvType::q8_0}) {
    SessionOptions options, others;
    options.prefill_chunk = 16;
    others.prefill_chunk = 24;
    options.kv_type = others.kv_type = type;
    for (const auto& [name, prompt] : kPrompts) {
      for (const size_t events : {0u, 1u, 2u, 8u}) {
        SCOPED_TRACE(std::string(name) + " after " + std::to_string(events) + " events");
        const auto s = new_session(engine, options), t = new_session(engine, others);
        eval(*s, kBefore);
        GenerationOptions o = answer(true);
        o.prefill_events = true;
        auto open = s->start(of_ids(prompt), o, {});
        Event e;
        for (size_t i = 0; i < events; ++i) open->next(e);
        restore_from(*t, snapshot_of(*s));
        EXPECT_EQ(t->tokens(), s->tokens());
        EXPECT_EQ(snapshot_of(*t), snapshot_of(*s));
        const auto resumed = t->resume({});
        for (size_t i = 0; i < 3; ++i) EXPECT_EQ(resumed->next(e), base::Status::ok);
        resumed->stop();
        EXPECT_EQ(t->tokens(), kBefore);
        EXPECT_EQ(t->logits(), scores_of(engine, kBefore, options));
      }
    }
  }
}

TEST(SavedGeneration, AnErrorAfterResumingLeavesTheTokensBeforeItsStart) {
  const auto engine = open_tiny("base_q8_0");
  for (const auto& [name, prompt] : kPrompts) {
    SCOPED_TRACE(name);
    SessionOptions options;
    options.prefill_chunk = 16;
    const auto s = new_session(engine, options), t = new_session(engine, options);
    eval(*s, kBefore);
    GenerationOptions o = answer(false);
    o.prefill_events = true;
    o.sampling.repetition_penalty = 2;  // the only token that is allowed underflows when it is penalized
    for (int32_t id = 0; id < static_cast<int32_t>(engine->info().vocab_size); ++id)
      o.sampling.logit_bias.push_back({id, id == prompt[0] ? -FLT_MAX : -INFINITY});
    Event e;
    const auto open = s->start(of_ids(prompt), o, {});
    if (prompt.size() > kBefore.size()) open->next(e);  // the others fail at once
    restore_from(*t, snapshot_of(*s));
    const auto resumed = t->resume({});
    EXPECT_EQ(status_of([&] { finish(*resumed); }), base::Status::invalid_argument);
    EXPECT_EQ(t->tokens(), kBefore);
    EXPECT_EQ(t->logits(), scores_of(engine, kBefore, options));
  }
}

// Window layers would give back the cells that the way back needs: on the way to the snapshot, between restore and resume, and behind it.
TEST(SavedGeneration, GoesBackPastAWindow) {
  const auto engine = open_tiny("architectures/gemma3");
  const auto vocab = static_cast<int32_t>(engine->info().vocab_size);
  std::vector<int32_t> ids = some_ids(2000, 11);
  for (int32_t& id : ids) id %= vocab;
  const std::vector<int32_t> before = first(ids, 700);
  const std::vector<int32_t> parting = joined(first(ids, 690), {ids.begin() + 700, ids.end()});
  const std::vector<int32_t> other(ids.begin() + 100, ids.end());
  for (const std::vector<int32_t>& prompt : {ids, parting, other}) {
    const auto s = new_session(engine), t = new_session(engine);
    eval(*s, before);
    GenerationOptions o = answer(true);
    o.prefill_events = true;
    const auto open = s->start(of_ids(prompt), o, {});
    Event e;
    for (int i = 0; i < 5; ++i) open->next(e);
    restore_from(*t, snapshot_of(*s));
    EXPECT_EQ(snapshot_of(*t), snapshot_of(*s));
    runtime::CancelFlag flag;
    flag.trigger(1);
    runtime::StopSignal stop(&flag);
    runtime::Call call{stop, {}};
    EXPECT_EQ(status_of([&] { t->eval(ids.data(), 30, call); }), base::Status::cancelled) << "leaves the saved generation as it is";
    const auto resumed = t->resume({});
    const Answer got = finish(*resumed), want = finish(*open);
    EXPECT_EQ(got.tokens.size(), 12u);
    EXPECT_EQ(got.tokens, want.tokens);
    EXPECT_EQ(t->tokens(), before);
    EXPECT_EQ(t->logits(), scores_of(engine, before));
    EXPECT_EQ(t->info().rewind_floor, s->info().rewind_floor);
  }
}

TEST(SavedGeneration, CellsAreHeldOnlyWhileItMayGoBack) {
  const auto engine = open_tiny("architectures/gemma3");
  std::vector<int32_t> ids = some_ids(2000, 11);
  for (int32_t& id : ids) id %= static_cast<int32_t>(engine->info().vocab_size);
  const auto s = new_session(engine), t = new_session(engine), plain = new_session(engine);
  eval(*s, first(ids, 700));
  eval(*plain, ids);
  const auto open = s->start(of_ids(ids), answer(true), {});
  Event e;
  open->next(e);
  restore_from(*t, snapshot_of(*s));
  EXPECT_LT(t->info().rewind_floor, plain->info().rewind_floor);
  t->rewind(t->tokens().size());
  EXPECT_EQ(status_of([&] { t->resume({}); }), base::Status::failed_precondition);
  EXPECT_EQ(t->info().rewind_floor, plain->info().rewind_floor);
  EXPECT_LT(t->info().kv_bytes_used, s->info().kv_bytes_used);
  EXPECT_EQ(t->logits(), s->logits());
}

TEST(SavedGeneration, ASessionThatIsTooSmallNamesBothNumbers) {
  const auto engine = open_tiny("base_q8_0");
  const auto refused = [&](const Session& from, uint64_t context, const std::string& needed) {
    SessionOptions options;
    options.context_tokens = context;
    const auto small = new_session(engine, options);
    eval(*small, {5, 6});
    try {
      restore_from(*small, snapshot_of(from));
      ADD_FAILURE() << "restored";
    } catch (const base::Error& e) {
      EXPECT_EQ(e.status(), base::Status::out_of_range) << e.message();
      EXPECT_NE(e.message().find(needed), std::string::npos) << e.message();
      EXPECT_NE(e.message().find("context of " + std::to_string(context)), std::string::npos) << e.message();
    }
    EXPECT_EQ(small->tokens(), (std::vector<int32_t>{5, 6}));
  };
  const auto s = new_session(engine);
  auto open = s->start(of_ids(some_ids(50)), answer(false), {});
  refused(*s, 49, "prompt has 50 tokens");  // its tokens would fit: there are none
  open->stop();
  eval(*s, kBefore);
  open = s->start(of_ids(some_ids(20, 4)), answer(true), {});
  Event e;
  open->next(e);
  refused(*s, 59, "has 60 tokens");  // prompt and tokens would fit: the way back does not
  SessionOptions enough;
  enough.context_tokens = 60;
  const auto t = new_session(engine, enough);
  restore_from(*t, snapshot_of(*s));
  t->resume({})->stop();
  EXPECT_EQ(t->tokens(), kBefore);
}

// What version 1 of the format could always say is written as ever, byte for byte; the rest has a section that an old reader may
// ignore unless it would go on wrongly.
TEST(SavedGeneration, IsWrittenAsBeforeWhereThatSaysIt) {
  const auto engine = open_tiny("linear_f16");
  const auto s = new_session(engine);
  eval(*s, some_ids(6));
  EXPECT_EQ(snapshot_of(*s), written_by_1_0("evaluated"));
  auto open = s->start(of_ids(some_ids(9)), answer(true), {});
  EXPECT_EQ(snapshot_of(*s), written_by_1_0("started"));
  EXPECT_FALSE(is_critical(snapshot_of(*s), kWayBack));
  Event e;
  for (int i = 0; i < 2; ++i) open->next(e);
  Sections sections = sections_of(snapshot_of(*s));
  EXPECT_EQ(sections.size(), 6u) << "where ROLLBACK goes has to be said";
  EXPECT_FALSE(is_critical(snapshot_of(*s), kWayBack));
  open->stop();
  open = s->start(of_ids(some_ids(4)), answer(true), {});
  EXPECT_TRUE(is_critical(snapshot_of(*s), kWayBack)) << "an old reader would take two tokens for an answer";
}

TEST(SavedGeneration, OldSnapshotsGoOn) {
  const auto engine = open_tiny("linear_f16");
  const auto plain = new_session(engine);
  eval(*plain, some_ids(6));
  const Answer elsewhere = finish(*plain->start(of_ids(some_ids(5, 9)), answer(true), {}));
  ASSERT_EQ(elsewhere.tokens.size(), 12u);
  const Answer here = finish(*plain->start(of_ids(some_ids(9)), answer(true), {}));
  const auto t = new_session(engine);
  for (const char* name : {"evaluated", "started", "answering"}) {
    restore_from(*t, written_by_1_0(name));
    EXPECT_EQ(snapshot_of(*t), written_by_1_0(name));
  }
  const std::vector<int32_t> at = t->tokens();  // of "answering"
  EXPECT_EQ(at, joined(some_ids(5, 9), first(elsewhere.tokens, 4)));
  EXPECT_EQ(finish(*t->resume({})).tokens, std::vector<int32_t>(elsewhere.tokens.begin() + 4, elsewhere.tokens.end()));
  EXPECT_EQ(t->tokens(), at) << "it does not say what came before";
  restore_from(*t, written_by_1_0("started"));
  EXPECT_EQ(finish(*t->resume({})).tokens, here.tokens);
  EXPECT_EQ(t->tokens(), some_ids(6));
  restore_from(*t, written_by_1_0("started_elsewhere"));  // the library that wrote it called it damaged
  EXPECT_EQ(finish(*t->resume({})).tokens, elsewhere.tokens);
  EXPECT_EQ(t->tokens(), some_ids(6));
}

TEST(SavedGeneration, AnOldAnswerPastAWindowGoesBackToItsSnapshot) {
  const auto engine = open_tiny("architectures/gemma3");
  std::vector<int32_t> ids = some_ids(700, 11);
  for (int32_t& id : ids) id %= static_cast<int32_t>(engine->info().vocab_size);
  const auto s = new_session(engine), t = new_session(engine);
  const auto open = s->start(of_ids(ids), answer(true, 1310), {});
  Event e;
  for (int i = 0; i < 3; ++i) open->next(e);
  Sections sections = sections_of(snapshot_of(*s));
  sections.erase(kWayBack);
  restore_from(*t, container_of(sections));
  const std::vector<int32_t> at = t->tokens();
  const auto resumed = t->resume({});
  EXPECT_EQ(finish(*resumed, 1300).tokens.size(), 1300u);
  resumed->stop();
  EXPECT_EQ(t->tokens(), at);
  EXPECT_EQ(t->logits(), scores_of(engine, at));
}

TEST(SavedGeneration, ALieIsDataLossAndChangesNothing) {
  const auto engine = open_tiny("architectures/gemma3");
  std::vector<int32_t> ids = some_ids(1700, 11);
  for (int32_t& id : ids) id %= static_cast<int32_t>(engine->info().vocab_size);
  const auto s = new_session(engine), t = new_session(engine);
  eval(*s, first(ids, 1400));
  const std::vector<int32_t> parting = joined(first(ids, 1390), {ids.begin() + 1500, ids.end()});
  const auto open = s->start(of_ids(parting), answer(true), {});
  Event e;
  for (int i = 0; i < 3; ++i) open->next(e);
  const Sections right = sections_of(snapshot_of(*s));
  restore_from(*t, container_of(right));
  eval(*t, {3});
  const std::vector<int32_t> unchanged = t->tokens();
  const auto refused = [&](const Sections& sections) {
    EXPECT_EQ(status_of([&] { restore_from(*t, container_of(sections)); }), base::Status::data_loss);
    EXPECT_EQ(t->tokens(), unchanged);
  };
  // begun, length, begin, number, end and floor of the tokens put away
  const uint64_t true_header[] = {1, 1400, 1390, 10, 1400, 256};
  ASSERT_EQ(std::memcmp(right.at(kWayBack).data(), true_header, sizeof true_header), 0);
  for (size_t field = 0; field < 6; ++field) {
    for (const uint64_t lie :
         {uint64_t{0}, uint64_t{2}, true_header[field] - 2, true_header[field] + 2, uint64_t{1} << 40, UINT64_MAX - 255, UINT64_MAX}) {
      SCOPED_TRACE("field " + std::to_string(field) + " is " + std::to_string(lie));
      Sections wrong = right;
      std::memcpy(wrong[kWayBack].data() + field * 8, &lie, 8);
      refused(wrong);
    }
  }
  Sections wrong = right;
  wrong[kWayBack].pop_back();
  refused(wrong);
  wrong[kWayBack].resize(right.at(kWayBack).size() + 1);
  refused(wrong);
  wrong[kWayBack].resize(47);
  refused(wrong);
  wrong[kWayBack].clear();
  refused(wrong);
  wrong = right;
  const int32_t no_token = -1;
  std::memcpy(wrong[kWayBack].data() + 48, &no_token, 4);
  refused(wrong);
  wrong = right;
  wrong.erase(5);
  refused(wrong);
  wrong = right;  // another prompt than the one that has begun: the last id of its list, before two numbers
  wrong[5][wrong[5].size() - 16 - parting.size() * 4] ^= std::byte{1};
  refused(wrong);
  wrong = right;
  wrong[5].push_back(std::byte{0});
  refused(wrong);
  restore_from(*t, container_of(right));
  EXPECT_EQ(t->tokens(), s->tokens());
}

// Bytes changed at random, with right checksums: refused, or a session that works and, emptied, is like any other.
TEST(SavedGeneration, WhateverTheSectionsSayTheSessionStaysUsable) {
  const auto engine = open_tiny("linear_f16");
  const auto s = new_session(engine), t = new_session(engine);
  const std::vector<float> want = scores_of(engine, some_ids(7));
  eval(*s, some_ids(12));
  const auto open = s->start(of_ids(joined(some_ids(6), some_ids(8, 3))), answer(true), {});
  Event e;
  for (int i = 0; i < 3; ++i) open->next(e);
  const Sections right = sections_of(snapshot_of(*s));
  uint32_t x = 1;
  const auto random = [&x](size_t n) { return ((x = x * 1664525u + 1013904223u) >> 8) % static_cast<uint32_t>(n); };
  int n_restored = 0, n_refused = 0;
  for (int round = 0; round < 2000; ++round) {
    Sections wrong = right;
    for (uint32_t n = 1 + random(3); n > 0; --n) {
      std::vector<std::byte>& section = wrong[std::array{1u, 2u, 5u, 5u, 6u, 6u}[random(6)]];
      if (random(20) == 0) section.resize(section.size() / 8 * random(12));
      if (!section.empty()) section[random(section.size())] = static_cast<std::byte>(random(3) == 0 ? random(256) : random(3));
    }
    const base::Status status = status_of([&] { restore_from(*t, container_of(wrong)); });
    if (status == base::Status::ok) {
      ++n_restored;
      status_of([&] {
        const auto g = t->resume({});
        for (int i = 0; i < 3; ++i) g->next(e);
        g->stop();
        t->logits();
      });
    } else {
      ++n_refused;
      EXPECT_TRUE(status == base::Status::data_loss || status == base::Status::failed_precondition || status == base::Status::out_of_range)
          << static_cast<int>(status);
    }
    t->reset();
    eval(*t, some_ids(7));
    ASSERT_EQ(t->logits(), want) << round;
  }
  EXPECT_GT(n_restored, 100);
  EXPECT_GT(n_refused, 500);
}

}  // namespace
}  // namespace rustml::generation
