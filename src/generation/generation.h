// One answer: prefill, then sample, commit and deliver token by token until something ends it. A session has one at a time.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "generation/events.h"
#include "generation/lookup_draft.h"
#include "generation/prompt_run.h"
#include "generation/sampler.h"
#include "generation/text_stream.h"

namespace rustml::generation {

class Generation {
 public:
  // stopped: gets what a limit or cancel that ends it here makes of the result; may be null.
  static std::shared_ptr<Generation> start(std::shared_ptr<Session> session, const Prompt& prompt, const GenerationOptions& options,
                                           const Limits& limits, Result* stopped);
  // Goes on as the saved one would have, to the same end and the same way back.
  static std::shared_ptr<Generation> resume(std::shared_ptr<Session> session, const SavedGeneration& saved, const Limits& limits);

  Generation(std::shared_ptr<Session> session, GenerationOptions options, std::vector<int32_t> prompt, const Limits& limits,
             std::unique_ptr<runtime::StopSignal> stop, WayBack back = {});
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;
  ~Generation() { stop(); }

  // ok with an event; done after STOPPED; throws Error for cancelled, deadline and failures (and again on repeats).
  base::Status next(Event& event);
  void stop() noexcept { close(Finish::closed, base::Status::ok); }  // finish `closed` if it still ran
  void stopped_by_callback(int32_t value) noexcept;                  // finish `callback`, status callback_stop
  Result result() const;
  // What a snapshot carries; only while open.
  SavedGeneration save() const { return {options_, prompt_, result_.prefill_tokens_skipped, result_.dropped_bytes, run_.back()}; }

 private:
  void replay();
  bool prefill(Event& event);  // true: event is a PREFILL event
  base::Status decode(Event& event);
  const std::vector<float>* scores();  // of the next token; null: stopped
  base::Status finish(Event& event, Finish why, int32_t token_id = -1);
  [[noreturn]] void stop_by_signal();
  void close(Finish why, base::Status status) noexcept;
  bool open() const noexcept { return session_ != nullptr; }

  std::shared_ptr<Session> session_;  // null once closed
  std::shared_ptr<Engine> engine_;
  const GenerationOptions options_;
  const std::vector<int32_t> prompt_;
  PromptRun run_;
  std::vector<int32_t> stop_ids_;  // sorted
  const std::unique_ptr<runtime::StopSignal> stop_;
  Sampler sampler_;
  TextStream text_;
  std::optional<LookupDraft> lookup_;
  Result result_;
  std::optional<base::Error> error_;  // what ended it; repeated by next

  enum class Phase { prefill, first_token, later_tokens } phase_ = Phase::prefill;
  const uint64_t stall_timeout_ns_, started_ns_;
};

}  // namespace rustml::generation
