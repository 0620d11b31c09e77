#include "generation/session.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <regex>

#include "base/log.h"
#include "generation/batch.h"
#include "generation/beam_search.h"
#include "generation/generation.h"
#include "snapshot_bytes.h"
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

// What generate, a beam search, a batch and logits say of the same session: status and message.
std::vector<std::string> refusals(const std::shared_ptr<Engine>& engine, Session& session, const std::vector<int32_t>& ids) {
  std::vector<std::string> said;
  const auto note = [&](const auto& body) {
    try {
      body();
      said.push_back("ok");
    } catch (const base::Error& e) {
      said.push_back(std::to_string(static_cast<int>(e.status())) + " " + e.message());
    }
  };
  note([&] { session.logits(); });
  note([&] { finish(*session.start(of_ids(ids), {}, {})); });
  GenerationOptions probable;
  probable.sampling.logprobs = 2;
  probable.sampling.temperature = 1;
  note([&] { finish(*session.start(of_ids(ids), probable, {})); });
  note([&] {
    BeamOutcome found;
    beam_search(session, of_ids(ids), {}, {}, {}, found);
  });
  if (engine) {
    std::vector<Result> results;
    const std::vector<BatchItem> items = {{of_ids(ids), {}, {}}};
    BatchCallbacks callbacks;
    callbacks.on_failure = [&](uint32_t, const base::Error& e) {
      said.push_back(std::to_string(static_cast<int>(e.status())) + " " + e.message());
    };
    generate_batch(engine, {}, items, callbacks, results);
  }
  return said;
}

const std::string kDataLoss = std::to_string(static_cast<int>(base::Status::data_loss));

TEST(Session, ScoresOfDamagedWeightsAreRefusedEverywhere) {
  std::ifstream in(std::string(RUSTML_TEST_DATA) + "/../golden/data/base_f16.gguf", std::ios::binary);
  std::string file(std::istreambuf_iterator<char>(in), {});
  for (size_t at = file.size() - 40000; at < file.size() - 39000; at += 2) file.replace(at, 2, "\x00\x7e", 2);  // NaN as F16
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const auto engine =
      std::make_shared<Engine>(formats::open(base::open_memory(file.data(), file.size(), "damaged"), call), ModelOptions{}, call);
  const auto session = new_session(engine);
  eval(*session, some_ids(3));  // promises no scores
  const std::vector<std::string> said = refusals(engine, *session, some_ids(3));
  ASSERT_EQ(said.size(), 5u);
  for (const std::string& one : said) EXPECT_EQ(one, said[0]);
  EXPECT_EQ(said[0].find(kDataLoss + " logits are not finite: token "), 0u) << said[0];
  EXPECT_EQ(session->tokens(), some_ids(3));
  ModelOptions checked;
  checked.check_tensors = true;
  EXPECT_EQ(status_of([&] {
              std::make_shared<Engine>(formats::open(base::open_memory(file.data(), file.size(), "damaged"), call), checked, call);
            }),
            base::Status::data_loss);
}

// A cache may hold such values, written with OK by a session that got that far: a restore takes them, and scores are refused.
TEST(Session, ScoresOfADamagedSnapshotAreRefusedUntilItIsGone) {
  const auto engine = open_tiny("base_f16");
  for (const kernels::KvType type : {kernels::KvType::f32, kernels::KvType::f16, kernels::KvType::q8_0}) {
    SessionOptions options;
    options.kv_type = type;
    const auto session = new_session(engine, options), fresh = new_session(engine, options);
    eval(*session, some_ids(40));
    Sections sections = sections_of(snapshot_of(*session));
    std::fill(sections[3].end() - 4, sections[3].end(), std::byte{0xff});  // the last cell's end, or its scale: NaN in each type
    sections[4].clear();
    restore_from(*session, container_of(sections));
    eval(*session, {5});
    for (const std::string& one : refusals(nullptr, *session, session->tokens()))
      EXPECT_EQ(one.find(kDataLoss + " logits are not finite: token "), 0u) << one;
    EXPECT_EQ(session->info().position, 41u);
    EXPECT_EQ(sections_of(snapshot_of(*session)).size(), 4u) << "still a session";
    session->rewind(39);
    eval(*session, {some_ids(40).back(), 5});
    eval(*fresh, some_ids(40));
    eval(*fresh, {5});
    EXPECT_EQ(session->logits(), fresh->logits());
  }
  const auto session = new_session(engine);
  eval(*session, some_ids(40));
  Sections sections = sections_of(snapshot_of(*session));
  const float infinite = INFINITY;
  std::memcpy(sections[4].data(), &infinite, sizeof infinite);  // of the last hidden state, which the head multiplies
  restore_from(*session, container_of(sections));
  EXPECT_EQ(status_of([&] { session->logits(); }), base::Status::data_loss);
}

// At the rewind floor there is nothing to spare: a stopped call has to leave the last token evaluated, as it was.
TEST(Session, StoppedLogitsChangeNothing) {
  const auto engine = open_tiny("architectures/gemma3");
  const auto session = new_session(engine), restored = new_session(engine);
  std::vector<int32_t> ids = some_ids(1400);
  for (int32_t& id : ids) id %= static_cast<int32_t>(engine->info().vocab_size);
  eval(*session, ids);
  ASSERT_GT(session->info().rewind_floor, 0u);
  session->rewind(session->info().rewind_floor);
  const std::vector<std::byte> before = snapshot_of(*session);
  runtime::CancelFlag flag;
  flag.trigger(1);
  runtime::StopSignal stop(&flag);
  runtime::Call call{stop, {}};
  EXPECT_EQ(status_of([&] { session->logits(&call); }), base::Status::cancelled);
  EXPECT_EQ(snapshot_of(*session), before);
  restore_from(*restored, snapshot_of(*session));
  EXPECT_EQ(restored->logits(), session->logits());
}

// Right, wrong and partly right guesses at every position, over steps of the cache and cells that window layers give back.
TEST(Session, GuessesLeaveNoTrace) {
  const auto engine = open_tiny("architectures/gemma3");
  const auto s = new_session(engine), plain = new_session(engine);
  Session &guessing = *s, &single = *plain;
  const auto vocab = static_cast<int32_t>(engine->info().vocab_size);
  std::vector<int32_t> ids = some_ids(1640);
  for (int32_t& id : ids) id %= vocab;
  for (const auto& session : {s, plain}) eval(*session, {ids.begin(), ids.begin() + 1250});
  guessing.expect_drafts(8);
  runtime::StopSignal stop;
  size_t passes = 0, most = 0;
  for (size_t n = 1250; n < 1600; ++n) {
    for (Session* session : {&guessing, &single}) session->commit(ids[n]);
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
