#include "generation/engine.h"

#include <thread>

#include "tiny.h"

namespace rustml::generation {
namespace {

TEST(Engine, PlanEqualsWhatIsTaken) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  SessionOptions options;
  options.context_tokens = 300;
  ModelOptions model_options;
  model_options.n_threads = 3;
  model_options.warmup = false;
  const MemoryPlan plan =
      Engine::plan(formats::open_path(std::string(RUSTML_TEST_DATA) + "/../golden/data/base_q8_0.gguf", call), model_options, options);
  const auto engine = open_tiny("base_q8_0", model_options);
  EXPECT_EQ(engine->info().weight_bytes, plan.weight_bytes);
  EXPECT_EQ(engine->info().bytes_now, plan.weight_bytes);
  const auto session = new_session(engine, options);
  EXPECT_EQ(session->info().kv_bytes_reserved, plan.kv_bytes);
  EXPECT_EQ(engine->info().bytes_now, plan.weight_bytes + plan.scratch_bytes);
  eval(*session, some_ids(300));
  EXPECT_EQ(engine->info().bytes_now, plan.total_bytes);
  EXPECT_EQ(engine->info().n_sessions, 1u);
}

TEST(Engine, LimitsAndOptionsAreChecked) {
  ModelOptions small;
  small.memory_limit_bytes = 1000;
  EXPECT_EQ(status_of([&] { open_tiny("base_f16", small); }), base::Status::resource_exhausted);
  ModelOptions target;
  target.simd_target = "avx9000";
  EXPECT_EQ(status_of([&] { open_tiny("base_f16", target); }), base::Status::invalid_argument);
  ModelOptions threads;
  threads.n_threads = -1;
  EXPECT_EQ(status_of([&] { open_tiny("base_f16", threads); }), base::Status::invalid_argument);
  threads.n_threads = 1'000'000;
  EXPECT_EQ(status_of([&] { open_tiny("base_f16", threads); }), base::Status::invalid_argument);
}

TEST(Engine, FingerprintsFollowTheWeights) {
  const auto a = open_tiny("base_f16")->info(), again = open_tiny("base_f16")->info(), other = open_tiny("base_bf16")->info();
  EXPECT_EQ(a.fingerprint_low, again.fingerprint_low);
  EXPECT_NE(a.fingerprint_low, other.fingerprint_low);
}

TEST(Engine, ALoadCanBeCancelled) {
  runtime::CancelFlag flag;
  flag.trigger(1);
  runtime::StopSignal stop(&flag);
  runtime::Call call{stop, {}};
  EXPECT_EQ(status_of([&] {
              std::make_shared<Engine>(formats::open_path(std::string(RUSTML_TEST_DATA) + "/../golden/data/base_f16.gguf", call),
                                       ModelOptions{}, call);
            }),
            base::Status::cancelled);
}

TEST(Engine, ReadsThroughACallersReaderToo) {
  const auto file = base::open_file(std::string(RUSTML_TEST_DATA) + "/../golden/data/base_f16.gguf");
  const auto caller = std::this_thread::get_id();
  auto reader = base::open_callback(
      [&](uint64_t at, void* to, uint64_t n) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        file->read_at(at, to, n);
        return 0;
      },
      file->size(), "callback");
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  EXPECT_EQ(std::make_shared<Engine>(formats::open(std::move(reader), call), ModelOptions{}, call)->info().fingerprint_low,
            open_tiny("base_f16")->info().fingerprint_low);
}

}  // namespace
}  // namespace rustml::generation
