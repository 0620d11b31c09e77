#include "generation/session.h"

#include <algorithm>
#include <regex>

#include "base/log.h"
#include "generation/generate.h"
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

// Right, wrong and partly right guesses at every position, over steps of the cache and cells that window layers give back.
TEST(Session, GuessesLeaveNoTrace) {
  const auto engine = open_tiny("architectures/gemma3");
  const auto s = new_session(engine), plain = new_session(engine);
  auto &guessing = static_cast<LiveSession&>(*s), &single = static_cast<LiveSession&>(*plain);
  const auto vocab = static_cast<int32_t>(engine->info().vocab_size);
  std::vector<int32_t> ids = some_ids(1640);
  for (int32_t& id : ids) id %= vocab;
  for (const auto& session : {s, plain}) eval(*session, {ids.begin(), ids.begin() + 1250});
  guessing.expect_drafts(8);
  runtime::StopSignal stop;
  size_t passes = 0, most = 0;
  for (size_t n = 1250; n < 1600; ++n) {
    for (LiveSession* session : {&guessing, &single}) session->commit(ids[n]);
    std::vector<int32_t> draft(ids.begin() + static_cast<std::ptrdiff_t>(n) + 1, ids.begin() + static_cast<std::ptrdiff_t>(n) + 9);
    draft.resize(std::min<size_t>(draft.size(), guessing.draft_room()));
    if (n % 5 != 0 && draft.size() > n % 7) draft[n % 7] = (draft[n % 7] + 1) % vocab;
    passes += draft.empty() ? 0 : 1;
    most = std::max(most, draft.size());
    ASSERT_EQ(*guessing.scores(stop, draft), *single.scores(stop)) << n;
    ASSERT_EQ(s->info().kv_bytes_used, plain->info().kv_bytes_used) << n;
    ASSERT_EQ(s->info().rewind_floor, plain->info().rewind_floor) << n;
    ASSERT_EQ(s->snapshot_size(), plain->snapshot_size());
  }
  EXPECT_EQ(most, 8u);
  EXPECT_LT(passes, 250u) << "right guesses need no pass";
  guessing.rewind(1590);
  single.rewind(1590);
  EXPECT_EQ(s->logits(), plain->logits());
}

// What evaluating three tokens and then one logs under this filter.
std::vector<std::string> profile(const std::string& name, const char* filter) {
  const auto engine = open_tiny(name);
  const auto session = new_session(engine);
  std::vector<std::string> lines;
  base::log_set(filter, [&](const base::LogRecord& r) { lines.push_back(r.text); });
  {
    const base::ApiScope scope;
    eval(*session, {5, 6, 7});
    eval(*session, {8});
  }
  base::log_set("", {});
  return lines;
}

size_t matching(const std::vector<std::string>& lines, const char* pattern) {
  const std::regex regex(pattern);
  return static_cast<size_t>(
      std::count_if(lines.begin(), lines.end(), [&](const std::string& line) { return std::regex_search(line, regex); }));
}

TEST(Session, ProfileLinesOfEveryArchitecture) {
  const struct {
    const char* name;
    const char* up;  // first half of the feed-forward network
    bool rotated, qk_norm;
  } models[] = {{"architectures/gpt2", "Up_proj", false, false},
                {"architectures/gemma3", "GateUp_proj", true, true},
                {"architectures/llama", "GateUp_proj", true, false},
                {"architectures/qwen3", "GateUp_proj", true, true}};
  for (const auto& model : models) {
    SCOPED_TRACE(model.name);
    const auto lines = profile(model.name, "trace,rustml::trace=off");
    const size_t passes = 2, layers = matching(lines, R"(^transformer\[\d+\]::forward attn=\d+\.\d{3}ms ffn=\d+\.\d{3}ms$)");
    EXPECT_GE(layers, 2 * passes);
    EXPECT_EQ(matching(lines, R"(^transformer\[0\]::forward )"), passes);
    const std::string tail = R"( Embedding=\d+\.\d\dms Layers=\d+\.\d\dms Norm=\d+\.\d\dms Projection=\d+\.\d\dms Total=\d+\.\d\dms$)";
    EXPECT_EQ(matching(lines, (R"(^model::forward step=0 tokens=3)" + tail).c_str()), 1u);
    EXPECT_EQ(matching(lines, (R"(^model::forward step=1 tokens=1)" + tail).c_str()), 1u);
    for (const char* matrix : {"QKV_proj", "O_proj", model.up, "Down_proj"})
      EXPECT_EQ(
          matching(lines,
                   (R"(^\[TRACE\] matmul )" + std::string(matrix) + R"( \[[13],\d+\]x\[\d+,\d+\] \d+\.\d\dms \(\d+\.\d GB/s\)$)").c_str()),
          layers)
          << matrix;
    EXPECT_EQ(matching(lines, R"(^\[TRACE\] matmul LM_head \[1,)"), passes);
    EXPECT_EQ(matching(lines, R"(^\[attn\] layer=\d+ QKV=\d+\.\d{3}ms QKnorm=\d+\.\d{3}ms RoPE=\d+\.\d{3}ms QK\^T=\d+\.\d{3}ms )"
                              R"(softmax=\d+\.\d{3}ms A\*V=\d+\.\d{3}ms out=\d+\.\d{3}ms)"),
              layers);
    if (!model.rotated) {
      EXPECT_EQ(matching(lines, " RoPE=0.000ms "), layers);
    }
    if (!model.qk_norm) {
      EXPECT_EQ(matching(lines, " QKnorm=0.000ms "), layers);
    }
    EXPECT_EQ(matching(lines, "\"ph\""), 0u);
  }
}

TEST(Session, ProfileLinesFollowTheFilter) {
  EXPECT_TRUE(profile("base_f16", "info").empty());
  const auto lines = profile("base_f16", "debug");
  EXPECT_EQ(matching(lines, "^model::forward"), 2u);
  EXPECT_EQ(matching(lines, "^transformer"), 4u);
  EXPECT_EQ(lines.size(), 6u);
  EXPECT_EQ(profile("base_f16", "off,rustml::attn=trace").size(), 4u);
}

}  // namespace
}  // namespace rustml::generation
