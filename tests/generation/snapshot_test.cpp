#include <algorithm>

#include "generation/session.h"
#include "snapshot_bytes.h"
#include "tiny.h"

namespace rustml::generation {
namespace {

GenerationOptions sampled(uint64_t n) {
  GenerationOptions o;
  o.max_tokens = n;
  o.ignore_eos = true;
  o.sampling.temperature = 1;
  o.sampling.seed = 7;
  o.sampling.repetition_penalty = 1.1f;
  o.stop_strings = {"never this"};
  return o;
}

TEST(Snapshot, GoesOnWithTheSameTokensAndSkipsWhatWasEvaluated) {
  const auto engine = open_tiny("base_q8_0"), again = open_tiny("base_q8_0");
  for (const kernels::KvType type : {kernels::KvType::f32, kernels::KvType::f16, kernels::KvType::q8_0}) {
    SessionOptions options;
    options.kv_type = type;
    const auto s = new_session(engine, options), t = new_session(again, options);
    eval(*s, some_ids(150));
    const RestoreInfo info = restore_from(*t, snapshot_of(*s));
    EXPECT_EQ(info.n_tokens, 150u);
    EXPECT_EQ(info.tokens_reusable, 150u);
    EXPECT_FALSE(info.generation_open);
    EXPECT_EQ(t->logits(), s->logits());
    const auto g = t->start(of_ids(some_ids(150)), sampled(64), {});
    const Answer restored = finish(*g);
    EXPECT_EQ(g->result().prefill_tokens_skipped, 150u);
    EXPECT_EQ(restored.tokens, finish(*s->start(of_ids(some_ids(150)), sampled(64), {})).tokens);
  }
}

TEST(Snapshot, AnOpenGenerationResumesAnywhere) {
  const auto engine = open_tiny("base_q4_1");
  SessionOptions options;
  options.prefill_chunk = 16;
  const auto whole = new_session(engine, options);
  const Answer want = finish(*whole->start(of_ids(some_ids(60)), sampled(40), {}));
  for (const size_t events : {0, 2, 4, 5, 20, 43, 44}) {  // before, within and after the 4 chunks of the prefill
    const auto s = new_session(engine, options), t = new_session(engine, options);
    GenerationOptions o = sampled(40);
    o.prefill_events = true;
    auto g = s->start(of_ids(some_ids(60)), o, {});
    Answer got;
    Event e;
    for (size_t i = 0; i < events; ++i) {
      g->next(e);
      if (e.kind == EventKind::token) got.tokens.push_back(e.token_id);
      got.text += e.text;
    }
    EXPECT_TRUE(restore_from(*t, snapshot_of(*s)).generation_open);
    EXPECT_EQ(snapshot_of(*t), snapshot_of(*s)) << "a restored session is the same to the byte";
    const Answer rest = finish(*t->resume({}));
    got.tokens.insert(got.tokens.end(), rest.tokens.begin(), rest.tokens.end());
    EXPECT_EQ(got.tokens, want.tokens) << "after " << events << " events";
    EXPECT_EQ(got.text + rest.text, want.text);
    EXPECT_EQ(status_of([&] { t->resume({}); }), base::Status::failed_precondition);
  }
}

TEST(Snapshot, EveryFlipAndTruncationIsRefusedAndChangesNothing) {
  const auto engine = open_tiny("linear_f16");
  const auto s = new_session(engine), t = new_session(engine);
  eval(*s, {5, 6});
  eval(*t, {9});
  const std::vector<float> before = t->logits();
  std::vector<std::byte> bytes = snapshot_of(*s);
  ASSERT_LT(bytes.size(), 4096u);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    const base::Status status = status_of([&] { restore_from(*t, bytes); });
    EXPECT_TRUE(status == base::Status::data_loss || status == base::Status::unimplemented)
        << "bit " << bit << " status " << static_cast<int>(status);
    bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
  }
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_EQ(status_of([&] {
                restore_from(*t, {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n)});
              }),
              base::Status::data_loss)
        << n;
  std::vector<std::byte> longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_EQ(status_of([&] { restore_from(*t, longer); }), base::Status::data_loss);
  EXPECT_EQ(t->tokens(), std::vector<int32_t>{9});
  EXPECT_EQ(t->logits(), before);
  restore_from(*t, bytes);
  EXPECT_EQ(t->logits(), s->logits());
}

TEST(Snapshot, MismatchesAreNamed) {
  const auto engine = open_tiny("base_f16"), other = open_tiny("base_bf16");
  const auto s = new_session(engine);
  eval(*s, some_ids(40));
  const std::vector<std::byte> bytes = snapshot_of(*s);
  const auto refused = [&](const std::shared_ptr<Engine>& e, const SessionOptions& options, base::Status status) {
    const auto t = new_session(e, options);
    EXPECT_EQ(status_of([&] { restore_from(*t, bytes); }), status);
    EXPECT_EQ(t->info().position, 0u);
  };
  refused(other, {}, base::Status::failed_precondition);
  SessionOptions f32;
  f32.kv_type = kernels::KvType::f32;
  refused(engine, f32, base::Status::failed_precondition);
  SessionOptions small;
  small.context_tokens = 32;
  refused(engine, small, base::Status::out_of_range);
  SessionOptions poor;
  poor.memory_limit_bytes = 64;
  refused(engine, poor, base::Status::resource_exhausted);
  const auto open = new_session(engine);
  const auto g = open->start(of_ids(some_ids(4)), sampled(4), {});
  EXPECT_EQ(status_of([&] { restore_from(*open, bytes); }), base::Status::failed_precondition);
}

// The same model whose file names another tokenizer: text would be cut into other tokens than those of the snapshot.
TEST(Snapshot, AnotherTokenizerIsNamed) {
  const auto s = new_session(open_tiny("base_f16"));
  eval(*s, some_ids(40));
  const auto file = base::open_file(std::string(RUSTML_TEST_DATA) + "/../golden/data/base_f16.gguf");
  std::string text(file->size(), '\0');
  file->read_at(0, text.data(), text.size());
  text.replace(text.find("smollm"), 6, "refact");
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const auto t =
      new_session(std::make_shared<Engine>(formats::open(base::open_memory(text.data(), text.size(), "text"), call), ModelOptions{}, call));
  EXPECT_ERROR(restore_from(*t, snapshot_of(*s)), base::Status::failed_precondition, "this session's, byte-level BPE (refact), is ");
}

TEST(Snapshot, ProbeNeedsNoModel) {
  const auto engine = open_tiny("base_f16");
  const auto s = new_session(engine);
  eval(*s, some_ids(40));
  const std::vector<std::byte> bytes = snapshot_of(*s);
  const SnapshotInfo info = snapshot_probe(*base::open_memory(bytes.data(), bytes.size(), "snapshot"));
  EXPECT_EQ(info.n_tokens, 40u);
  EXPECT_EQ(info.total_bytes, bytes.size());
  EXPECT_EQ(info.model_fingerprint_low, engine->info().fingerprint_low);
  EXPECT_EQ(info.kv_type, kernels::KvType::f16);
}

}  // namespace
}  // namespace rustml::generation
