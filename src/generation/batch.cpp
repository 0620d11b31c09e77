// A few sequences run at once and advance in turn, one event each. (One pass over the next tokens of all of them would go
// where step() is: sequences share nothing but the model, so it changes no result.)
#include "generation/batch.h"

#include <algorithm>
#include <new>

#include "generation/generation.h"

namespace rustml::generation {

using base::Error;

namespace {

constexpr size_t kMostAtOnce = 4;

struct Sequence {
  uint32_t index;
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
    while (next_ < items_.size() || !running_.empty()) {
      while (!full_ && running_.size() < kMostAtOnce && next_ < items_.size()) admit();
      for (size_t i = 0; i < running_.size();) {
        if (step(running_[i])) {
          ++i;
        } else {
          running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
          full_ = false;
        }
      }
    }
  }

 private:
  // Starts the next sequence. If its memory is not there it waits until others have ended: alone it takes what it gets.
  void admit() {
    const BatchItem& item = items_[next_];
    Sequence fresh{static_cast<uint32_t>(next_), {}, {}};
    Result refused;
    std::optional<Error> error = failure_of([&] {
      GenerationOptions options = item.options;
      options.prefill_events = true;  // so that a long prompt is evaluated in turn with the others' tokens
      fresh.session = std::make_shared<Session>(engine_, session_options_);
      fresh.generation = fresh.session->start(item.prompt, options, item.limits, &refused);
    });
    std::optional<Error> memory = error;
    if (!error) {
      memory = failure_of([&] {
        const uint64_t prompt = fresh.generation->result().prompt_tokens, room = fresh.session->capacity() - prompt;
        fresh.session->reserve(prompt + (item.options.max_tokens == 0 ? room : std::min(room, item.options.max_tokens)));
      });
    }
    if (memory && memory->status() == Status::resource_exhausted) {
      full_ = true;
      if (!running_.empty()) return;
    }
    ++next_;
    if (error) {
      full_ = false;
      fail(fresh.index, refused, *error);
    } else {
      running_.push_back(std::move(fresh));
    }
  }

  // One event. False: the sequence has ended.
  bool step(Sequence& sequence) {
    Event event;
    Status status = Status::ok;
    if (const std::optional<Error> error = failure_of([&] { status = sequence.generation->next(event); })) {
      fail(sequence.index, sequence.generation->result(), *error);
      return false;
    }
    Result& result = results_[sequence.index];
    const bool ended = status == Status::done || event.kind == EventKind::stopped;
    if (ended) result = sequence.generation->result();
    if (event.kind == EventKind::prefill && !items_[sequence.index].options.prefill_events) return true;
    const int32_t value = status == Status::done ? 0 : deliver(sequence.index, event);
    if (value != 0 && !ended) {
      sequence.generation->stopped_by_callback(value);
      result = sequence.generation->result();
    }
    if (value != 0 && value != kStopOne) stop_all(sequence.index, value);
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
    for (const Sequence& other : running_) {
      if (other.index == by) continue;
      other.generation->stopped_by_callback(value);
      results_[other.index] = other.generation->result();
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
  size_t next_ = 0;                // first sequence that has not begun
  std::vector<Sequence> running_;  // in order of sequence
  bool full_ = false;              // no memory for another until one has ended
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
