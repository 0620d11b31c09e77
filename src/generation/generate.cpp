#include "generation/generate.h"

#include <algorithm>
#include <new>

#include "base/log.h"
#include "generation/options.h"
#include "runtime/float_mode.h"

namespace rustml::generation {

using base::fail;
using base::Status;

namespace {

double seconds(uint64_t ns) { return static_cast<double>(ns) * 1e-9; }

std::vector<int32_t> all_stop_ids(const GenerationOptions& options, const tokenizer::Tokenizer& tokenizer) {
  std::vector<int32_t> ids = options.stop_ids;
  if (!options.ignore_eos) ids.insert(ids.end(), tokenizer.stop_ids().begin(), tokenizer.stop_ids().end());
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

std::shared_ptr<LiveGeneration> LiveGeneration::start(std::shared_ptr<LiveSession> session, const Prompt& prompt,
                                                      const GenerationOptions& options, const Limits& limits) {
  LoadedEngine& engine = session->engine();
  validate(options, static_cast<int32_t>(engine.config().vocab));
  runtime::StopSignal stop(limits.cancel, limits.deadline_ns);
  stop.set_first_token_deadline(limits.first_token_deadline_ns);
  stop.check("generation");
  tokenizer::Encoding encoded = engine.encode(prompt, stop);
  if (encoded.ids.empty()) fail(Status::invalid_argument, "prompt is empty: it has no tokens; give text, ids or messages");
  if (encoded.ids.size() > session->capacity())
    fail(Status::out_of_range, "prompt has " + std::to_string(encoded.ids.size()) + " tokens, more than the session's context of " +
                                   std::to_string(session->capacity()) +
                                   "; shorten it or create the session with more context_tokens (this model holds " +
                                   std::to_string(engine.config().context) + ")");
  auto generation = std::make_shared<LiveGeneration>(std::move(session), options, std::move(encoded.ids), limits);
  generation->result_.dropped_bytes = encoded.dropped_bytes;
  return generation;
}

std::shared_ptr<LiveGeneration> LiveGeneration::resume(std::shared_ptr<LiveSession> session, const SavedGeneration& saved,
                                                       const Limits& limits) {
  runtime::StopSignal stop(limits.cancel, limits.deadline_ns);
  stop.check("resume");
  auto g = std::make_shared<LiveGeneration>(std::move(session), saved.options, saved.prompt, limits);
  g->result_.prefill_tokens_skipped = saved.skipped;
  g->result_.dropped_bytes = saved.dropped_bytes;
  const std::vector<int32_t>& tokens = g->session_->tokens();
  if (tokens.size() > g->prompt_.size()) {  // else the prefill goes on where it was
    for (size_t i = g->prompt_.size(); i < tokens.size(); ++i) g->text_.push(g->engine_->tokenizer().token_bytes(tokens[i]));
    g->begun_ = g->prefilled_ = g->first_token_ = true;
    g->result_.prefill_tokens_skipped = g->prompt_.size();
    g->result_.generated_tokens = tokens.size() - g->prompt_.size();
  }
  return g;
}

LiveGeneration::LiveGeneration(std::shared_ptr<LiveSession> session, GenerationOptions options, std::vector<int32_t> prompt,
                               const Limits& limits)
    : session_(std::move(session)),
      engine_(session_->engine_handle()),
      options_(std::move(options)),
      prompt_(std::move(prompt)),
      stop_ids_(all_stop_ids(options_, engine_->tokenizer())),
      stop_(limits.cancel, limits.deadline_ns),
      sampler_(options_.sampling, static_cast<int32_t>(engine_->config().vocab), engine_->kernels()),
      text_(options_.stop_strings),
      started_ns_(runtime::now_ns()),
      length_before_(session_->tokens().size()) {
  stop_.set_first_token_deadline(limits.first_token_deadline_ns);
  stall_timeout_ns_ = limits.stall_timeout_ns;
  result_.prompt_tokens = prompt_.size();
  session_->set_open(this);
}

bool LiveGeneration::is_stop(int32_t token) const { return std::binary_search(stop_ids_.begin(), stop_ids_.end(), token); }

Status LiveGeneration::next(Event& event) {
  event = {};
  if (error_) throw base::Error(*error_);
  if (!open()) return Status::done;
  const runtime::DefaultFloatMode float_mode;
  stop_.set_stall_timeout(stall_timeout_ns_);
  const uint64_t start = runtime::now_ns();
  double& phase_seconds = prefilled_ ? result_.decode_seconds : result_.prefill_seconds;
  try {
    if (!prefilled_ && prefill(event)) {
      phase_seconds += seconds(runtime::now_ns() - start);
      return Status::ok;
    }
    const Status status = decode(event);
    phase_seconds += seconds(runtime::now_ns() - start);
    return status;
  } catch (const base::Error& e) {
    if (!error_) {  // not a stop, which has closed already: back to the old position
      error_ = e;
      undo();
      close(Finish::error, e.status());
    }
    throw;
  } catch (const std::bad_alloc&) {
    error_.emplace(Status::resource_exhausted, "out of memory");  // short enough to need none
    undo();
    close(Finish::error, Status::resource_exhausted);
    throw;
  }
}

// The prompt replaces the session's tokens behind what both begin with; what parts there is kept until the end, so that
// ROLLBACK and errors can bring it back.
void LiveGeneration::begin_prompt() {
  begun_ = true;
  const std::vector<int32_t>& tokens = session_->tokens();
  auto common = static_cast<uint64_t>(std::mismatch(prompt_.begin(), prompt_.end(), tokens.begin(), tokens.end()).first - prompt_.begin());
  if (stop_.poll()) stop_by_signal("prefill");
  session_->reserve(prompt_.size());
  session_->hold();
  if (common < tokens.size()) {
    const uint64_t floor = session_->cache().rewind_floor();
    if (common > 0 && common < floor) {
      base::log(base::LogLevel::info, "rustml",
                "Prefix reuse: the prompt parts at token " + std::to_string(common) + ", but window layers begin at " +
                    std::to_string(floor) + "; all of it is evaluated");
    }
    if (common < floor) common = 0;
    parted_ = session_->save_tail(common);
    if (common == 0) session_->restart();
    session_->truncate(common);
  }
  const uint64_t ready = std::min<uint64_t>(session_->evaluated(), common);
  result_.prefill_tokens_skipped = ready == prompt_.size() && !session_->has_scores() ? ready - 1 : ready;
}

bool LiveGeneration::prefill(Event& event) {
  if (!begun_) begin_prompt();
  while (session_->evaluated() < prompt_.size()) {
    const uint64_t at = session_->evaluated(), n = std::min<uint64_t>(prompt_.size() - at, static_cast<uint64_t>(session_->chunk()));
    const std::span<const int32_t> ids(prompt_.data() + at, n);
    if (!session_->evaluate(ids, at + n == prompt_.size(), stop_)) stop_by_signal("prefill");
    if (!options_.prefill_events) continue;
    event.kind = EventKind::prefill;
    event.done = at + n;
    event.total = prompt_.size();
    prefilled_ = at + n == prompt_.size();
    return true;
  }
  prefilled_ = true;
  return false;
}

Status LiveGeneration::decode(Event& event) {
  const uint64_t position = session_->tokens().size();
  if (text_.matched()) return finish(event, Finish::stop_string);
  if (options_.max_tokens != 0 && result_.generated_tokens >= options_.max_tokens) return finish(event, Finish::length);
  if (position >= session_->capacity()) return finish(event, Finish::context_full);
  const char* phase = first_token_ ? "decode" : "prefill";
  if (stop_.poll()) stop_by_signal(phase);
  const std::vector<float>* logits = session_->scores(stop_);
  if (!logits) stop_by_signal(phase);

  const int32_t token = sampler_.sample(logits->data(), session_->tokens(), position);
  if (is_stop(token)) return finish(event, Finish::stop_token, token);
  if (options_.sampling.logprobs > 0) {
    const Logprobs logprobs = sampler_.logprobs(logits->data(), token);
    event.logprob = logprobs.chosen;
    event.top = logprobs.best.data();
    event.n_top = static_cast<uint32_t>(logprobs.best.size());
  }
  session_->commit(token);
  ++result_.generated_tokens;
  if (!first_token_) {
    first_token_ = true;
    result_.first_token_seconds = seconds(runtime::now_ns() - started_ns_);
    stop_.set_first_token_deadline(0);
  }
  event.kind = EventKind::token;
  event.token_id = token;
  event.position = position;
  event.bytes = engine_->tokenizer().token_bytes(token);
  event.text = text_.push(event.bytes);
  return Status::ok;
}

Status LiveGeneration::finish(Event& event, Finish why, int32_t token_id) {
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

void LiveGeneration::stop_by_signal(const char* phase) {
  const uint64_t trigger = stop_.triggered_ns();
  result_.stop_latency_ns = runtime::now_ns() - std::min(runtime::now_ns(), trigger);
  result_.pieces_after_stop = session_->pieces_after_stop();
  const bool cancelled = stop_.cause() == runtime::StopCause::cancelled || stop_.cause() == runtime::StopCause::cancel_deadline;
  if (cancelled) result_.cancel_reason = stop_.cancel_reason();
  switch (stop_.cause()) {
    case runtime::StopCause::total_deadline:
      result_.deadline = 1;
      break;
    case runtime::StopCause::first_token_deadline:
      result_.deadline = 2;
      break;
    case runtime::StopCause::stall:
      result_.deadline = 3;
      break;
    case runtime::StopCause::cancel_deadline:
      result_.deadline = 4;
      break;
    default:
      break;
  }
  try {
    stop_.raise(phase);
  } catch (const base::Error& e) {
    error_ = e;
    close(result_.deadline ? Finish::deadline : Finish::cancelled, e.status());
    throw;
  }
}

// Back to the tokens before the call.
void LiveGeneration::undo() noexcept {
  if (!begun_ || !session_) return;
  if (parted_.tokens.empty())
    session_->truncate(std::min<uint64_t>(session_->tokens().size(), length_before_));
  else
    session_->restore_tail(parted_);  // within the capacity reserved at the start: cannot fail
}

void LiveGeneration::close(Finish why, Status status) noexcept {
  if (!open()) return;
  if (options_.rollback && why != Finish::error) undo();
  result_.finish = why;
  result_.status = status;
  result_.tokens_committed = session_->tokens().size();
  session_->unhold();
  session_->set_open(nullptr);
  session_.reset();
}

void LiveGeneration::stopped_by_callback(int32_t value) noexcept {
  result_.callback_value = value;
  close(Finish::callback, Status::callback_stop);
}

Result LiveGeneration::result() const {
  Result r = result_;
  if (open()) r.tokens_committed = session_->tokens().size();
  r.peak_memory_bytes = engine_->budget()->peak();
  return r;
}

}  // namespace rustml::generation
