#include "generation/batch.h"

#include <algorithm>
#include <map>

#include "tiny.h"

namespace rustml::generation {
namespace {

struct Heard {
  std::vector<int32_t> tokens;
  std::string text;
  std::vector<Finish> ends;
  int n_prefill = 0, n_failures = 0;
};

// Item `i` of 64: prompts of many lengths, options of many kinds.
BatchItem item(uint32_t i) {
  BatchItem item;
  item.prompt = of_ids(some_ids(1 + i * 7 % 300, static_cast<int32_t>(i + 1)));
  item.options.max_tokens = 1 + i % 13;
  item.options.ignore_eos = i % 3 != 0;
  item.options.sampling.seed = i;
  item.options.sampling.temperature = i % 2 ? 0.9f : 0;
  item.options.sampling.repetition_penalty = i % 5 ? 1 : 1.3f;
  item.options.prefill_events = i % 4 == 0;
  return item;
}

std::vector<BatchItem> items(uint32_t n) {
  std::vector<BatchItem> out;
  for (uint32_t i = 0; i < n; ++i) out.push_back(item(i));
  return out;
}

// Everything but times and memory.
void expect_same(const Result& a, const Result& b) {
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.finish, b.finish);
  EXPECT_EQ(a.callback_value, b.callback_value);
  EXPECT_EQ(a.cancel_reason, b.cancel_reason);
  EXPECT_EQ(a.deadline, b.deadline);
  EXPECT_EQ(a.prompt_tokens, b.prompt_tokens);
  EXPECT_EQ(a.generated_tokens, b.generated_tokens);
  EXPECT_EQ(a.tokens_committed, b.tokens_committed);
  EXPECT_EQ(a.prefill_tokens_skipped, b.prefill_tokens_skipped);
}

class BatchTest : public testing::Test {
 protected:
  BatchCallbacks listen(std::function<int32_t(uint32_t, const Event&)> also = {}) {
    heard_.clear();
    return {[this, also](uint32_t sequence, const Event& e) {
              Heard& h = heard_[sequence];
              EXPECT_TRUE(h.ends.empty()) << "nothing after the end of " << sequence;
              h.text += e.text;
              if (e.kind == EventKind::token) h.tokens.push_back(e.token_id);
              if (e.kind == EventKind::prefill) ++h.n_prefill;
              if (e.kind == EventKind::stopped) h.ends.push_back(e.finish);
              return also ? also(sequence, e) : 0;
            },
            [this](uint32_t sequence, const base::Error& e) {
              EXPECT_FALSE(e.message().empty());
              ++heard_[sequence].n_failures;
            }};
  }
  std::vector<Result> run(const std::vector<BatchItem>& batch, const BatchCallbacks& callbacks) {
    std::vector<Result> results;
    generate_batch(engine_, {}, batch, callbacks, results);
    return results;
  }

  std::shared_ptr<Engine> engine_ = open_tiny("base_q4_0");
  std::map<uint32_t, Heard> heard_;
};

// Sequences cancelled, stopped and failing in between leave the others what they are alone.
TEST_F(BatchTest, SixtyFourPromptsAreWhatTheyAreAlone) {
  std::vector<BatchItem> batch = items(64);
  std::map<uint32_t, runtime::CancelFlag> flags;
  for (uint32_t i = 5; i < 64; i += 9) batch[i].limits.cancel = &flags[i];
  batch[6].options.sampling.top_p = 7;
  batch[15].prompt = of_ids({});
  batch[24].prompt = of_ids(some_ids(2000));
  batch[33].limits.deadline_ns = 1;
  const auto callbacks = listen([&](uint32_t sequence, const Event& e) -> int32_t {
    const size_t n = heard_[sequence].tokens.size();
    if (sequence % 9 == 5 && n == sequence % 4 && e.kind != EventKind::stopped) flags[sequence].trigger(sequence);
    return sequence % 10 == 7 && n == 2 ? kStopOne : 0;
  });
  const std::vector<Result> results = run(batch, callbacks);
  ASSERT_EQ(results.size(), 64u);
  size_t n_cancelled = 0;
  for (uint32_t i = 0; i < 64; ++i) {
    SCOPED_TRACE(i);
    const Heard& h = heard_[i];
    if (i == 6 || i == 15 || i == 24 || i == 33) {
      EXPECT_EQ(results[i].status, i == 24   ? base::Status::out_of_range
                                   : i == 33 ? base::Status::deadline_exceeded
                                             : base::Status::invalid_argument);
      EXPECT_EQ(h.ends, std::vector<Finish>{i == 33 ? Finish::deadline : Finish::error});
      EXPECT_EQ(h.n_failures, 1);
      continue;
    }
    // Alone, with the same cancels and stops at the same tokens.
    const auto alone = new_session(engine_);
    flags[i].reason.store(0);
    auto g = alone->start(batch[i].prompt, batch[i].options, batch[i].limits);
    Answer answer;
    Event e;
    try {
      while (g->next(e) == base::Status::ok) {
        answer.text += e.text;
        if (e.kind == EventKind::token) answer.tokens.push_back(e.token_id);
        if (i % 9 == 5 && answer.tokens.size() == i % 4 && e.kind != EventKind::stopped) flags[i].trigger(i);
        if (i % 10 == 7 && answer.tokens.size() == 2) g->stopped_by_callback(kStopOne);
      }
    } catch (const base::Error& error) {
      EXPECT_EQ(error.status(), base::Status::cancelled);
    }
    EXPECT_EQ(h.tokens, answer.tokens);
    EXPECT_EQ(h.text, answer.text);
    expect_same(results[i], g->result());
    n_cancelled += results[i].status == base::Status::cancelled;
    EXPECT_EQ(h.ends.size(), results[i].finish == Finish::callback ? 0u : 1u);
    EXPECT_EQ(h.n_prefill > 0, i % 4 == 0) << "only where asked for";
  }
  EXPECT_GE(n_cancelled, 4u);
  EXPECT_EQ(engine_->info().n_sessions, 0u);
}

TEST_F(BatchTest, TheCallbackEndsAll) {
  const auto callbacks = listen([&](uint32_t sequence, const Event&) { return sequence == 2 && heard_[2].tokens.size() == 3 ? 42 : 0; });
  std::vector<Result> results;
  try {
    generate_batch(engine_, {}, items(20), callbacks, results);
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.status(), base::Status::callback_stop);
    EXPECT_EQ(e.callback_value(), 42);
  }
  ASSERT_EQ(results.size(), 20u);
  for (uint32_t i = 0; i < 20; ++i) {
    if (!heard_[i].ends.empty()) {
      EXPECT_EQ(results[i].status, base::Status::ok);
      continue;
    }
    EXPECT_EQ(results[i].status, base::Status::callback_stop);
    EXPECT_EQ(results[i].finish, Finish::callback);
    EXPECT_EQ(results[i].callback_value, 42);
    EXPECT_EQ(results[i].generated_tokens, heard_[i].tokens.size());
  }
}

// With memory for one and a half sessions, sequences wait instead of failing, and give the same.
TEST_F(BatchTest, ShortMemoryMakesThemWait) {
  std::vector<BatchItem> batch = items(12);
  for (BatchItem& i : batch) i.options.max_tokens = 300;
  const std::vector<Result> free = run(batch, listen());
  const auto free_heard = heard_;
  const uint64_t base = engine_->info().bytes_now;
  uint64_t one = 0;
  {
    const auto alone = new_session(engine_);
    eval(*alone, some_ids(700));
    one = engine_->info().bytes_now - base;
  }
  ModelOptions limited;
  limited.memory_limit_bytes = base + one + one / 2;
  engine_ = open_tiny("base_q4_0", limited);
  const std::vector<Result> results = run(batch, listen());
  for (uint32_t i = 0; i < 12; ++i) {
    expect_same(results[i], free[i]);
    EXPECT_EQ(heard_[i].tokens, free_heard.at(i).tokens);
  }
  // Too little for any of them: each fails by itself.
  limited.warmup = false;  // which would need what a session does
  limited.memory_limit_bytes = base + one / 8;
  engine_ = open_tiny("base_q4_0", limited);
  for (const Result& r : run(batch, listen())) EXPECT_EQ(r.status, base::Status::resource_exhausted);
}

TEST_F(BatchTest, NothingIsNothingAndBadSessionsAreTheWholeCallsFault) {
  EXPECT_TRUE(run({}, listen()).empty());
  SessionOptions bad;
  bad.context_tokens = uint64_t{1} << 40;
  std::vector<Result> results;
  EXPECT_EQ(status_of([&] { generate_batch(engine_, bad, items(3), listen(), results); }), base::Status::out_of_range);
  EXPECT_TRUE(results.empty());
  for (const Result& r : run(items(5), {})) EXPECT_EQ(r.status, base::Status::ok) << "without callbacks";
}

}  // namespace
}  // namespace rustml::generation
