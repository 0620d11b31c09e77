// Beams are evaluated one after the other in the session's cache: the prompt's cells stay in place, those behind it are in a tree.
#include "generation/beam_search.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <numeric>

#include "base/refuse.h"
#include "generation/beam_ranking.h"
#include "generation/beam_tree.h"
#include "generation/prompt_run.h"
#include "runtime/float_mode.h"
#include "tokenizer/stream_decoder.h"

namespace rustml::generation {

namespace {

struct Beam {
  BeamPath path;         // evaluated
  int32_t token = -1;    // then comes this one; -1: none
  double logprob = 0;    // of all of them
  size_t parent_at = 0;  // when in the step before its parent was evaluated
  uint64_t length() const noexcept { return path.length() + (token >= 0 ? 1 : 0); }
};

void validate(const BeamOptions& options, int32_t vocab) {
  GenerationOptions stops;
  stops.stop_ids = options.stop_ids;
  validate(stops, vocab);
  if (options.width < 1 || options.width > kMaxBeamWidth)
    base::refuse_field("width", options.width, "1 to " + std::to_string(kMaxBeamWidth));
  if (options.n_best < 1 || options.n_best > options.width)
    base::refuse_field("n_best", options.n_best, "1 to the width of " + std::to_string(options.width));
  if (!(std::fabs(options.length_penalty) <= kMaxLengthPenalty))
    base::refuse_field("length_penalty", options.length_penalty, "-10 to 10; 0 turns it off");
}

class Search {
 public:
  Search(Session& session, const std::vector<int32_t>& prompt, const BeamOptions& options, const Limits& limits, runtime::StopSignal& stop,
         const BeamProgress& progress, BeamOutcome& out)
      : session_(session),
        prompt_(prompt),
        options_(options),
        stall_timeout_ns_(limits.stall_timeout_ns),
        stop_(stop),
        progress_(progress),
        out_(out),
        result_(out.result),
        limit_(std::min<uint64_t>(options.max_tokens ? options.max_tokens : UINT64_MAX, session.capacity() - prompt.size())),
        run_(session, prompt),
        tree_(session, prompt.size()),
        candidates_(options.width, stop_tokens(options.stop_ids, options.ignore_eos, session.engine().tokenizer())),
        finished_(options) {}

  void run() {
    try {
      prefill();
      decode();
    } catch (const base::Error& e) {
      if (!ended_early(e.status())) {
        run_.undo();
        throw;
      }
      for (const Beam& beam : beams_)
        if (beam.length() > 0) finished_.keep(beam.path, {0, beam.token, beam.logprob}, beam.length(), result_.finish);
      leave();
      throw;
    } catch (...) {
      run_.undo();
      throw;
    }
    leave();
  }

 private:
  // Cancelled, out of time or stopped by the caller: an ordinary end, with what was found so far.
  bool ended_early(Status status) {
    if (status == Status::callback_stop && result_.callback_value != 0) {
      result_.finish = Finish::callback;
      result_.status = status;
      return true;
    }
    if (status != Status::cancelled && status != Status::deadline_exceeded) return false;
    note_stop(result_, stop_);
    result_.pieces_after_stop = session_.pieces_after_stop();
    return true;
  }

  void report(bool prefill, uint64_t done, uint64_t total) {
    if (!progress_) return;
    const int32_t value = progress_(prefill, done, total);
    stop_.set_stall_timeout(stall_timeout_ns_);  // the caller's time does not count
    if (value == 0) return;
    result_.callback_value = value;
    throw base::Error(Status::callback_stop, "beam search stopped: the callback returned " + std::to_string(value), {}, value);
  }

  void prefill() {
    stop_.set_stall_timeout(stall_timeout_ns_);
    stop_.check("beam search");
    result_.prefill_tokens_skipped = run_.begin();
    while (!run_.done()) {
      if (!run_.advance(stop_)) stop_.raise("prefill");
      report(true, session_.evaluated(), prompt_.size());
    }
    session_.hold();  // so that every beam finds the cells behind the prompt's end that its window needs
    prefill_end_ns_ = runtime::now_ns();
  }

  void decode() {
    result_.finish = options_.max_tokens != 0 && limit_ == options_.max_tokens ? Finish::length : Finish::context_full;
    if (limit_ == 0) return;
    beams_.emplace_back();
    for (uint64_t length = 1;; ++length) {
      stop_.check("decode");
      evaluate();
      choose(length);
      if (length == 1) {
        result_.first_token_seconds = static_cast<double>(runtime::now_ns() - started_ns_) * 1e-9;
        stop_.set_first_token_deadline(0);
      }
      if (length == limit_) return;
      if (beams_.empty() || finished_.settled(beams_.front().logprob, length, limit_)) break;
      report(false, length, limit_);
    }
    result_.finish = Finish::stop_token;
  }

  // Scores of what follows each beam, into candidates_. Beams of one parent come one after the other, those of its neighbours
  // next, so that few cells are copied between them.
  void evaluate() {
    std::vector<size_t> order(beams_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return beams_[a].parent_at < beams_[b].parent_at; });
    candidates_.clear();
    for (size_t at = 0; at < order.size(); ++at) {
      Beam& beam = beams_[order[at]];
      tree_.enter(beam.path);
      if (beam.token >= 0) {
        if (!session_.evaluate(std::span(&beam.token, 1), true, stop_)) stop_.raise("decode");
        beam.path = tree_.grow(beam.path);
        beam.token = -1;
      }
      beam.parent_at = at;
      const std::vector<float>* logits = session_.scores(stop_);
      if (!logits) stop_.raise("decode");
      candidates_.gather(order[at], beam.logprob, *logits, session_.engine().kernels());
    }
  }

  // Candidates among the best `width` of all that end here are finished; the best `width` others go on.
  void choose(uint64_t length) {
    std::vector<Beam> next;
    const std::vector<BeamCandidate> ranked = candidates_.ranked();
    for (size_t i = 0; i < ranked.size(); ++i) {
      const BeamCandidate& c = ranked[i];
      const Beam& parent = beams_[c.beam];
      const bool stops = candidates_.is_stop(c.token);
      if (stops || length == limit_) {
        if (i < options_.width) finished_.keep(parent.path, c, length, stops ? Finish::stop_token : result_.finish);
      } else {
        next.push_back({parent.path, c.token, c.logprob, parent.parent_at});
      }
    }
    beams_ = std::move(next);
  }

  std::vector<Hypothesis> hypotheses() const {
    std::vector<Hypothesis> out;
    for (const FinishedBeam& f : finished_.best()) {
      if (out.size() == options_.n_best) break;
      Hypothesis& h = out.emplace_back(Hypothesis{f.path.tokens(), {}, f.stop_id, f.finish, f.logprob, f.score});
      if (f.last >= 0) h.tokens.push_back(f.last);
      tokenizer::StreamDecoder decoder;
      for (const int32_t id : h.tokens) decoder.push(session_.engine().tokenizer().token_bytes(id), h.text);
      decoder.finish(h.text);
    }
    return out;
  }

  // Result, hypotheses and the session as the options want it, after any end but a failure.
  void leave() {
    const uint64_t now = runtime::now_ns(), prefill_end = prefill_end_ns_ ? prefill_end_ns_ : now;
    result_.prefill_seconds = static_cast<double>(prefill_end - started_ns_) * 1e-9;
    result_.decode_seconds = static_cast<double>(now - prefill_end) * 1e-9;
    const FinishedBeam* const best = finished_.best().empty() ? nullptr : &finished_.best().front();
    if (best) result_.generated_tokens = best->length();
    if (options_.rollback) {
      run_.undo();
    } else if (prefill_end_ns_ != 0) {
      tree_.enter(best ? best->path : BeamPath());
      if (best && best->last >= 0) session_.commit(best->last);
    }
    out_.hypotheses = hypotheses();
  }

  Session& session_;
  const std::vector<int32_t>& prompt_;
  const BeamOptions& options_;
  const uint64_t stall_timeout_ns_;
  runtime::StopSignal& stop_;
  const BeamProgress& progress_;
  BeamOutcome& out_;
  Result& result_;
  const uint64_t limit_;  // tokens of the longest possible hypothesis
  PromptRun run_;
  const uint64_t started_ns_ = runtime::now_ns();
  uint64_t prefill_end_ns_ = 0;

  BeamTree tree_;            // outlives the paths below
  std::vector<Beam> beams_;  // that go on, best first
  BeamCandidates candidates_;
  FinishedBeams finished_;
};

void search(Session& session, const Prompt& prompt, const BeamOptions& options, const Limits& limits, const BeamProgress& progress,
            BeamOutcome& out) {
  const runtime::DefaultFloatMode float_mode;
  if (session.info().generation_open)
    fail(Status::failed_precondition, "beam search: a generation is open on this session; stop or release it first");
  validate(options, static_cast<int32_t>(session.engine().config().vocab));
  if (limits.prompt_lookup != 0)
    fail(Status::invalid_argument, "prompt_lookup does not work with a beam search; set it to 0",
         base::refusal_detail("prompt_lookup", limits.prompt_lookup, "0 with a beam search"));
  runtime::StopSignal stop(limits.cancel, limits.deadline_ns);
  stop.set_first_token_deadline(limits.first_token_deadline_ns);
  if (stop.poll()) {
    note_stop(out.result, stop);
    stop.raise("beam search");
  }
  const tokenizer::Encoding encoded = encode_prompt(session, prompt, stop);
  out.result.prompt_tokens = encoded.ids.size();
  out.result.dropped_bytes = encoded.dropped_bytes;
  session.rewind(session.tokens().size());  // an interrupted generation that a snapshot carried is over
  const Session::Hold hold(session);        // let go when the search is over
  Search(session, encoded.ids, options, limits, stop, progress, out).run();
}

}  // namespace

void beam_search(Session& session, const Prompt& prompt, const BeamOptions& options, const Limits& limits, const BeamProgress& progress,
                 BeamOutcome& out) {
  const auto ended = [&](Status status) {
    if (out.result.status == Status::ok && status != Status::ok) {  // not a stop, which has filled it already
      out.result.status = status;
      out.result.finish = Finish::error;
    }
    out.result.tokens_committed = session.tokens().size();
    out.result.peak_memory_bytes = session.engine().budget()->peak();
  };
  out = {};
  try {
    search(session, prompt, options, limits, progress, out);
    ended(Status::ok);
  } catch (const base::Error& e) {
    ended(e.status());
    throw;
  } catch (const std::bad_alloc&) {
    ended(Status::resource_exhausted);
    throw;
  }
}

}  // namespace rustml::generation
