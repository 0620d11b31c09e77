#include "generation/generation.h"

#include <algorithm>
#include <new>

#include "base/log.h"
#include "runtime/float_mode.h"

namespace rustml::generation {

namespace {

double seconds(uint64_t ns) { return static_cast<double>(ns) * 1e-9; }

}  // namespace

std::shared_ptr<Generation> Generation::start(std::shared_ptr<Session> session, const Prompt& prompt, const GenerationOptions& options,
                                              const Limits& limits, Result* stopped) {
  validate(options, static_cast<int32_t>(session->engine().config().vocab));
  validate(limits);
  auto stop = std::make_unique<runtime::StopSignal>(limits.cancel, limits.deadline_ns);
  stop->set_first_token_deadline(limits.first_token_deadline_ns);
  tokenizer::Encoding encoded;
  try {
    stop->check("generation");
    encoded = encode_prompt(*session, prompt, *stop);
  } catch (const base::Error&) {
    if (stopped && stop->stopped()) note_stop(*stopped, *stop);
    throw;
  }
  auto g = std::make_shared<Generation>(std::move(session), options, std::move(encoded.ids), limits, std::move(stop));
  g->result_.dropped_bytes = encoded.dropped_bytes;
  return g;
}

std::shared_ptr<Generation> Generation::resume(std::shared_ptr<Session> session, const SavedGeneration& saved, const Limits& limits) {
  validate(limits);
  auto stop = std::make_unique<runtime::StopSignal>(limits.cancel, limits.deadline_ns);
  stop->check("resume");
  stop->set_first_token_deadline(limits.first_token_deadline_ns);
  if (saved.back.begun) session->reserve(saved.prompt.size());  // as at its beginning
  auto g = std::make_shared<Generation>(std::move(session), saved.options, saved.prompt, limits, std::move(stop), saved.back);
  g->result_.dropped_bytes = saved.dropped_bytes;
  return g;
}

Generation::Generation(std::shared_ptr<Session> session, GenerationOptions options, std::vector<int32_t> prompt, const Limits& limits,
                       std::unique_ptr<runtime::StopSignal> stop, WayBack back)
    : session_(std::move(session)),
      engine_(session_->engine_handle()),
      options_(std::move(options)),
      prompt_(std::move(prompt)),
      run_(*session_, prompt_, std::move(back)),
      stop_ids_(stop_tokens(options_.stop_ids, options_.ignore_eos, engine_->tokenizer())),
      stop_(std::move(stop)),
      sampler_(options_.sampling, static_cast<int32_t>(engine_->config().vocab), engine_->kernels()),
      text_(options_.stop_strings),
      stall_timeout_ns_(limits.stall_timeout_ns),
      started_ns_(runtime::now_ns()) {
  result_.prompt_tokens = prompt_.size();
  if (run_.begun()) replay();
  if (limits.prompt_lookup > 0) {
    session_->expect_drafts(limits.prompt_lookup);
    lookup_.emplace(limits.prompt_lookup);
  }
}

// The tokens generated before the snapshot, once more through stop strings and decoder; nothing is delivered twice.
void Generation::replay() {
  result_.prefill_tokens_skipped = run_.ready();
  const std::vector<int32_t>& tokens = session_->tokens();
  if (tokens.size() <= prompt_.size()) return;  // the prefill goes on where it was
  for (size_t i = prompt_.size(); i < tokens.size(); ++i) text_.push(engine_->tokenizer().token_bytes(tokens[i]));
  phase_ = Phase::later_tokens;
  result_.generated_tokens = tokens.size() - prompt_.size();
}

Status Generation::next(Event& event) {
  event = {};
  if (error_) throw base::Error(*error_);
  if (!open()) return Status::done;
  const runtime::DefaultFloatMode float_mode;
  stop_->set_stall_timeout(stall_timeout_ns_);
  const uint64_t start = runtime::now_ns();
  double& phase_seconds = phase_ == Phase::prefill ? result_.prefill_seconds : result_.decode_seconds;
  try {
    const Status status = phase_ == Phase::prefill && prefill(event) ? Status::ok : decode(event);
    phase_seconds += seconds(runtime::now_ns() - start);
    return status;
  } catch (const base::Error& e) {
    if (!error_) {  // not a stop, which has closed already: back to the old position
      error_ = e;
      run_.undo();
      close(Finish::error, e.status());
    }
    throw;
  } catch (const std::bad_alloc&) {
    error_.emplace(Status::resource_exhausted, "out of memory");  // short enough to need none
    run_.undo();
    close(Finish::error, Status::resource_exhausted);
    throw;
  }
}

bool Generation::prefill(Event& event) {
  if (!run_.begun()) {
    if (stop_->poll()) stop_by_signal();
    result_.prefill_tokens_skipped = run_.begin();
  }
  while (!run_.done()) {
    if (!run_.advance(*stop_)) stop_by_signal();
    if (!options_.prefill_events) continue;
    event.kind = EventKind::prefill;
    event.done = session_->evaluated();
    event.total = prompt_.size();
    if (run_.done()) phase_ = Phase::first_token;
    return true;
  }
  phase_ = Phase::first_token;
  return false;
}

Status Generation::decode(Event& event) {
  const uint64_t position = session_->tokens().size();
  if (text_.matched()) return finish(event, Finish::stop_string);
  if (options_.max_tokens != 0 && result_.generated_tokens >= options_.max_tokens) return finish(event, Finish::length);
  if (position >= session_->capacity()) return finish(event, Finish::context_full);
  if (stop_->poll()) stop_by_signal();
  const std::vector<float>* logits = scores();
  if (!logits) stop_by_signal();

  const int32_t token = sampler_.sample(logits->data(), session_->tokens(), position);
  if (std::binary_search(stop_ids_.begin(), stop_ids_.end(), token)) return finish(event, Finish::stop_token, token);
  if (options_.sampling.logprobs > 0) {
    const Logprobs logprobs = sampler_.logprobs(logits->data(), token);
    event.logprob = logprobs.chosen;
    event.top = logprobs.best.data();
    event.n_top = static_cast<uint32_t>(logprobs.best.size());
  }
  session_->commit(token);
  if (lookup_) lookup_->sampled(token);
  ++result_.generated_tokens;
  if (phase_ == Phase::first_token) {
    phase_ = Phase::later_tokens;
    result_.first_token_seconds = seconds(runtime::now_ns() - started_ns_);
    stop_->set_first_token_deadline(0);
  }
  event.kind = EventKind::token;
  event.token_id = token;
  event.position = position;
  event.bytes = engine_->tokenizer().token_bytes(token);
  event.text = text_.push(event.bytes);
  return Status::ok;
}

const std::vector<float>* Generation::scores() {
  uint64_t room = lookup_ ? session_->draft_room() : 0;
  if (room == 0) return session_->scores(*stop_);
  const uint64_t size = session_->tokens().size();
  room = std::min(room, session_->capacity() - size - 1);
  if (options_.max_tokens != 0) room = std::min(room, options_.max_tokens - result_.generated_tokens - 1);
  const std::span<const int32_t> draft = lookup_->next(session_->tokens(), room);
  const uint64_t start = runtime::now_ns();
  const std::vector<float>* logits = session_->scores(*stop_, draft);
  lookup_->evaluated(runtime::now_ns() - start);
  return logits;
}

Status Generation::finish(Event& event, Finish why, int32_t token_id) {
  event.kind = EventKind::stopped;
  event.token_id = token_id;
  event.finish = why;
  event.text = text_.finish();
  if (text_.invalid_count() > 0)
    base::log(base::LogLevel::warn, "rustml::text",
              "answer: " + std::to_string(text_.invalid_count()) + " ill-formed byte sequences were delivered as U+FFFD");
  close(why, Status::ok);
  return Status::ok;
}

void Generation::stop_by_signal() {
  note_stop(result_, *stop_);
  result_.pieces_after_stop = session_->pieces_after_stop();
  try {
    stop_->raise(phase_ == Phase::later_tokens ? "decode" : "prefill");
  } catch (const base::Error& e) {
    error_ = e;
    close(result_.finish, e.status());
    throw;
  }
}

void Generation::close(Finish why, Status status) noexcept {
  if (!open()) return;
  if (options_.rollback && why != Finish::error) run_.undo();
  result_.finish = why;
  result_.status = status;
  result_.tokens_committed = session_->tokens().size();
  session_->end_generation();
  session_.reset();
}

void Generation::stopped_by_callback(int32_t value) noexcept {
  result_.callback_value = value;
  close(Finish::callback, Status::callback_stop);
}

Result Generation::result() const {
  Result r = result_;
  if (open()) r.tokens_committed = session_->tokens().size();
  r.peak_memory_bytes = engine_->budget()->peak();
  if (lookup_) {
    r.drafted_tokens = lookup_->drafted();
    r.accepted_tokens = lookup_->accepted();
  }
  return r;
}

}  // namespace rustml::generation
