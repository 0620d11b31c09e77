#include "generation/session.h"

#include "tiny.h"

namespace rustml::generation {
namespace {

TEST(Session, RewindForkAndResetGiveTheSameScores) {
  const auto engine = open_tiny("base_q4_1");
  const auto a = new_session(engine), b = new_session(engine);
  const std::vector<int32_t> ids = some_ids(140);
  eval(*a, ids);
  const std::vector<float> at_140 = a->logits();
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const auto fork = a->fork(call);
  eval(*a, some_ids(20, 9));
  EXPECT_EQ(fork->logits(), at_140);
  EXPECT_NE(a->logits(), at_140);
  a->rewind(140);
  EXPECT_EQ(a->logits(), at_140);
  a->rewind(130);
  eval(*a, {ids.begin() + 130, ids.end()});
  EXPECT_EQ(a->logits(), at_140);
  for (const int32_t id : ids) eval(*b, {id});
  EXPECT_EQ(b->logits(), at_140);
  b->reset();
  EXPECT_EQ(b->info().position, 0u);
  EXPECT_EQ(status_of([&] { b->logits(); }), base::Status::failed_precondition);
}

TEST(Session, EvalIsAllOrNothing) {
  const auto engine = open_tiny("base_f16");
  SessionOptions options;
  options.context_tokens = 64;
  options.prefill_chunk = 8;
  const auto s = new_session(engine, options);
  eval(*s, some_ids(10));
  const std::vector<float> before = s->logits();
  EXPECT_EQ(status_of([&] { eval(*s, {3, -1}); }), base::Status::invalid_argument);
  EXPECT_EQ(status_of([&] { eval(*s, {3, 331}); }), base::Status::invalid_argument);
  EXPECT_EQ(status_of([&] { eval(*s, {}); }), base::Status::invalid_argument);
  EXPECT_EQ(status_of([&] { eval(*s, some_ids(55)); }), base::Status::out_of_range);
  runtime::CancelFlag flag;
  runtime::StopSignal stop(&flag);
  runtime::Call call{stop, [&](uint64_t done, uint64_t) {
                       if (done >= 16) flag.trigger(1);
                     }};
  const std::vector<int32_t> more = some_ids(50, 2);
  EXPECT_EQ(status_of([&] { s->eval(more.data(), more.size(), call); }), base::Status::cancelled);
  EXPECT_EQ(s->tokens(), some_ids(10));
  EXPECT_EQ(s->logits(), before);
  eval(*s, some_ids(54, 3));
  EXPECT_EQ(s->info().position, 64u);
}

TEST(Session, LimitsAreEnforcedBeforeAnythingChanges) {
  const auto engine = open_tiny("base_f16");
  SessionOptions options;
  options.context_tokens = engine->info().context_length + 1;
  EXPECT_EQ(status_of([&] { new_session(engine, options); }), base::Status::out_of_range);
  options.context_tokens = 0;
  options.prefill_chunk = 5000;
  EXPECT_EQ(status_of([&] { new_session(engine, options); }), base::Status::invalid_argument);
  options.prefill_chunk = 0;
  options.memory_limit_bytes = 100;
  const auto s = new_session(engine, options);
  EXPECT_EQ(status_of([&] { eval(*s, {5}); }), base::Status::resource_exhausted);
  EXPECT_EQ(s->info().position, 0u);
  EXPECT_EQ(status_of([&] { s->rewind(1); }), base::Status::out_of_range);
}

}  // namespace
}  // namespace rustml::generation
