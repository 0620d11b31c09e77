// A few sequences live at once and advance in turn, one event each. (One pass over the next tokens of all of them would go
// where step() is: sequences share nothing but the model, so it changes no result.)
#include "generation/batch.h"

#include <algorithm>
#include <new>

#include "generation/generation.h"

namespace rustml::generation {

using base::Error;
using base::Status;

namespace {

constexpr size_t kMostLive = 4;

struct Live {
  uint32_t sequence;
  std::shared_ptr<Session> session;
  std::shared_ptr<Generation> generation;
};

// What `body` throws as an Error; nothing else leaves a sequence. (The caller's callbacks do not run inside.)
template <class Body>
std::optional<Error> failure_of(Body body) {
  try {
    body();
    return std::nullopt;
  } catch (const Error& e) {
    return e;
  } catch (const std::bad_alloc&) {
    return Error(Status::resource_exhausted, "memory is exhausted: the system refused an allocation");
  } catch (const std::exception& e) {
    return Error(Status::internal, e.what());
  }
}

class Batch {
 public:
  Batch(const std::shared_ptr<Engine>& engine, const SessionOptions& session, std::span<const BatchItem> items,
        const BatchCallbacks& callbacks, std::span<Result> results)
      : engine_(engine), session_options_(session), items_(items), callbacks_(callbacks), results_(results) {}

  void run() {
    while (next_ < items_.size() || !live_.empty()) {
      while (!full_ && live_.size() < kMostLive && next_ < items_.size()) admit();
      for (size_t i = 0; i < live_.size();) {
        if (step(live_[i])) {
          ++i;
        } else {
          live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(i));
          full_ = false;
        }
      }
    }
  }

 private:
  // Starts the next sequence. If its memory is not there it waits until others have ended: alone it takes what it gets.
  void admit() {
    const BatchItem& item = items_[next_];
    const auto sequence = static_cast<uint32_t>(next_);
    Live live{sequence, {}, {}};
    std::optional<Error> error = failure_of([&] {
      GenerationOptions options = item.options;
      options.prefill_events = true;  // so that a long prompt is evaluated in turn with the others' tokens
      live.session = std::make_shared<Session>(engine_, session_options_);
      live.generation = live.session->start(item.prompt, options, item.limits);
    });
    std::optional<Error> memory = error;
    if (!error) {
      memory = failure_of([&] {
        const uint64_t prompt = live.generation->result().prompt_tokens, room = live.session->capacity() - prompt;
        live.session->reserve(prompt + (item.options.max_tokens == 0 ? room : std::min(room, item.options.max_tokens)));
      });
    }
    if (memory && memory->status() == Status::resource_exhausted) {
      full_ = true;
      if (!live_.empty()) return;
    }
    ++next_;
    if (error) {
      full_ = false;
      fail(sequence, refused(item, *error), *error);
    } else {
      live_.push_back(std::move(live));
    }
  }

  static Result refused(const BatchItem& item, const Error& error) {
    Result result;
    runtime::StopSignal stop(item.limits.cancel, item.limits.deadline_ns);
    stop.set_first_token_deadline(item.limits.first_token_deadline_ns);
    const bool stopped = error.status() == Status::cancelled || error.status() == Status::deadline_exceeded;
    if (stopped && stop.poll()) note_stop(result, stop);
    return result;
  }

  // One event. False: the sequence has ended.
  bool step(Live& live) {
    Event event;
    Status status = Status::ok;
    if (const std::optional<Error> error = failure_of([&] { status = live.generation->next(event); })) {
      fail(live.sequence, live.generation->result(), *error);
      return false;
    }
    Result& result = results_[live.sequence];
    const bool ended = status == Status::done || event.kind == EventKind::stopped;
    if (ended) result = live.generation->result();
    if (event.kind == EventKind::prefill && !items_[live.sequence].options.prefill_events) return true;
    const int32_t value = status == Status::done ? 0 : deliver(live.sequence, event);
    if (value != 0 && !ended) {
      live.generation->stopped_by_callback(value);
      result = live.generation->result();
    }
    if (value != 0 && value != kStopOne) stop_all(live.sequence, value);
    return !ended && value == 0;
  }

  void fail(uint32_t sequence, Result result, const Error& error) {
    if (result.status == Status::ok) {
      result.status = error.status();
      result.finish = Finish::error;
    }
    results_[sequence] = result;
    if (callbacks_.on_failure) callbacks_.on_failure(sequence, error);
    Event event;
    event.kind = EventKind::stopped;
    event.finish = result.finish;
    const int32_t value = deliver(sequence, event);
    if (value != 0 && value != kStopOne) stop_all(sequence, value);
  }

  int32_t deliver(uint32_t sequence, const Event& event) const { return callbacks_.on_event ? callbacks_.on_event(sequence, event) : 0; }

  [[noreturn]] void stop_all(uint32_t by, int32_t value) {
    for (const Live& live : live_) {
      if (live.sequence == by) continue;
      live.generation->stopped_by_callback(value);
      results_[live.sequence] = live.generation->result();
    }
    for (; next_ < items_.size(); ++next_) {
      results_[next_] = {};
      results_[next_].status = Status::callback_stop;
      results_[next_].finish = Finish::callback;
      results_[next_].callback_value = value;
    }
    throw Error(Status::callback_stop, "batch stopped: the callback returned " + std::to_string(value), {}, value);
  }

  const std::shared_ptr<Engine>& engine_;
  const SessionOptions& session_options_;
  const std::span<const BatchItem> items_;
  const BatchCallbacks& callbacks_;
  const std::span<Result> results_;
  size_t next_ = 0;         // first sequence that has not begun
  std::vector<Live> live_;  // in order of sequence
  bool full_ = false;       // no memory for another until one has ended
};

}  // namespace

void generate_batch(const std::shared_ptr<Engine>& engine, const SessionOptions& session, std::span<const BatchItem> items,
                    const BatchCallbacks& callbacks, std::vector<Result>& results) {
  results.clear();
  const models::Config& config = engine->config();
  prefill_chunk(session, context_tokens(config, session));  // faults of the session's options are the whole call's
  results.resize(items.size());
  Batch(engine, session, items, callbacks, results).run();
}

}  // namespace rustml::generation
