// Many prompts over one model, each with a session, options, cancel and limits of its own. What a sequence gives does not
// depend on its neighbours: it is what it would be alone.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "generation/events.h"
#include "generation/session.h"

namespace rustml::generation {

constexpr uint64_t kMaxBatch = 16384;
constexpr int32_t kStopOne = 1;  // a callback's answer: end this sequence; any other but 0 ends all

struct BatchItem {
  Prompt prompt;
  GenerationOptions options;
  Limits limits;
};

struct BatchCallbacks {  // on the calling thread
  // Every sequence ends with one STOPPED event, whatever ended it but the callback itself.
  std::function<int32_t(uint32_t sequence, const Event& event)> on_event;
  // Before the STOPPED of a sequence that was cancelled, ran out of time or failed.
  std::function<void(uint32_t sequence, const base::Error& error)> on_failure;
};

// results: one per item; none when it throws for faults of the session's options, before any work. Otherwise it throws only
// callback_stop, when the callback ended all: what befalls one sequence is in its result.
void generate_batch(const std::shared_ptr<Engine>& engine, const SessionOptions& session, std::span<const BatchItem> items,
                    const BatchCallbacks& callbacks, std::vector<Result>& results);

}  // namespace rustml::generation
