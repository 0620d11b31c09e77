// Beams are evaluated one after the other in the session's cache: the prompt's cells stay in place, and those behind it are
// kept per token in a tree, so that what beams share is stored once and going from one beam to the next copies only the cells
// that differ.
#include "generation/beam_search.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <optional>

#include "base/error.h"
#include "base/math.h"
#include "base/number_text.h"
#include "generation/options.h"
#include "generation/prompt_run.h"
#include "generation/sampler.h"
#include "runtime/float_mode.h"
#include "tokenizer/stream_decoder.h"

namespace rustml::generation {

using base::fail;
using base::Status;

namespace {

struct Node {
  Tail cell;       // one evaluated token
  Node* parent;    // null: the prompt
  uint64_t depth;  // tokens behind the prompt, this one included
  uint64_t references;
  uint64_t* n_alive;
};

// A node that is in use; null: the end of the prompt. Chains are freed in a loop: they may be as long as a context.
class Path {
 public:
  Path() = default;
  explicit Path(Node* fresh) noexcept : node_(fresh) {}
  Path(const Path& other) noexcept : node_(other.node_) {
    if (node_) ++node_->references;
  }
  Path& operator=(Path other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Path() {
    for (Node* node = node_; node && --node->references == 0;) {
      Node* const parent = node->parent;
      --*node->n_alive;
      delete node;
      node = parent;
    }
  }
  Node* node() const noexcept { return node_; }
  uint64_t depth() const noexcept { return node_ ? node_->depth : 0; }

 private:
  Node* node_ = nullptr;
};

struct Beam {
  Path path;             // evaluated
  int32_t token = -1;    // then comes this one; -1: none
  double logprob = 0;    // of all of them
  size_t parent_at = 0;  // when in the step before its parent was evaluated
  uint64_t length() const noexcept { return path.depth() + (token >= 0 ? 1 : 0); }
};

struct Candidate {
  size_t beam;
  int32_t token;
  double logprob;
};
bool better(const Candidate& a, const Candidate& b) {
  return a.logprob != b.logprob ? a.logprob > b.logprob : a.beam != b.beam ? a.beam < b.beam : a.token < b.token;
}

struct Finished {
  Path path;
  int32_t last = -1;  // token behind the path; -1: none
  int32_t stop_id = -1;
  Finish finish;
  double logprob, score;
};

void validate(const BeamOptions& options, int32_t vocab) {
  GenerationOptions stops;
  stops.stop_ids = options.stop_ids;
  validate(stops, vocab);
  if (options.width < 1 || options.width > kMaxBeamWidth)
    fail(Status::invalid_argument, "width is " + std::to_string(options.width) + "; it must be 1 to " + std::to_string(kMaxBeamWidth));
  if (options.n_best < 1 || options.n_best > options.width)
    fail(Status::invalid_argument,
         "n_best is " + std::to_string(options.n_best) + "; it must be 1 to the width of " + std::to_string(options.width));
  if (!(std::fabs(options.length_penalty) <= kMaxLengthPenalty))
    fail(Status::invalid_argument,
         "length_penalty is " + base::shortest(options.length_penalty) + "; it must be -10 to 10; 0 turns it off");
}

class Search {
 public:
  Search(Session& session, const std::vector<int32_t>& prompt, const BeamOptions& options, const Limits& limits,
         const BeamProgress& progress, Result& result)
      : session_(session),
        engine_(session.engine()),
        prompt_(prompt),
        options_(options),
        stall_timeout_ns_(limits.stall_timeout_ns),
        progress_(progress),
        result_(result),
        limit_(std::min<uint64_t>(options.max_tokens ? options.max_tokens : UINT64_MAX, session.capacity() - prompt.size())),
        stop_ids_(stop_tokens(options.stop_ids, options.ignore_eos, engine_.tokenizer())),
        stop_(limits.cancel, limits.deadline_ns),
        run_(session, prompt),
        memory_(engine_.budget(), 0, "beams") {
    stop_.set_first_token_deadline(limits.first_token_deadline_ns);
  }

  void run() {
    try {
      prefill();
      decode();
    } catch (const base::Error& e) {
      if (!ended_early(e.status())) {
        run_.undo();
        throw;
      }
      for (const Beam& beam : live_) {
        const Candidate so_far{0, beam.token, beam.logprob};
        if (beam.length() > 0) keep(beam.path, so_far, beam.length(), result_.finish);
      }
      leave();
      throw;
    } catch (...) {
      run_.undo();
      throw;
    }
    leave();
  }

  std::vector<Hypothesis> hypotheses() const {
    std::vector<Hypothesis> out;
    for (size_t i = 0; i < std::min<size_t>(options_.n_best, finished_.size()); ++i) {
      const Finished& f = finished_[i];
      Hypothesis& h = out.emplace_back(Hypothesis{{}, {}, f.stop_id, f.finish, f.logprob, f.score});
      for (const Node* node = f.path.node(); node; node = node->parent) h.tokens.push_back(node->cell.tokens.front());
      std::reverse(h.tokens.begin(), h.tokens.end());
      if (f.last >= 0) h.tokens.push_back(f.last);
      tokenizer::StreamDecoder decoder;
      for (const int32_t id : h.tokens) decoder.push(engine_.tokenizer().token_bytes(id), h.text);
      decoder.finish(h.text);
    }
    return out;
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
    live_.emplace_back();
    for (uint64_t length = 1;; ++length) {
      stop_.check("decode");
      evaluate();
      choose(length);
      if (length == 1) {
        result_.first_token_seconds = static_cast<double>(runtime::now_ns() - started_ns_) * 1e-9;
        stop_.set_first_token_deadline(0);
      }
      if (length == limit_) return;
      if (settled(length)) break;
      report(false, length, limit_);
    }
    result_.finish = Finish::stop_token;
  }

  // Scores of what follows each beam, into candidates_. Beams of one parent come one after the other, those of its neighbours
  // next, so that few cells are copied between them.
  void evaluate() {
    std::vector<size_t> order(live_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return live_[a].parent_at < live_[b].parent_at; });
    open_.clear();
    stops_.clear();
    bar_ = -INFINITY;
    for (size_t at = 0; at < order.size(); ++at) {
      Beam& beam = live_[order[at]];
      enter(beam.path);
      if (beam.token >= 0) {
        if (!session_.evaluate(std::span(&beam.token, 1), true, stop_)) stop_.raise("decode");
        beam.path = here_ = grow(beam.path);
        beam.token = -1;
      }
      beam.parent_at = at;
      const std::vector<float>* logits = session_.scores(stop_);
      if (!logits) stop_.raise("decode");
      gather(order[at], *logits);
    }
    prune();
  }

  // The session's last token as a node behind `parent`.
  Path grow(const Path& parent) {
    const uint64_t length = prompt_.size() + parent.depth();
    if (n_alive_ == n_charged_) {
      const models::KvCache& cache = session_.cache();
      const uint64_t bytes = cache.shape().bytes_per_position(cache.type()) + sizeof(Node), limit = session_.memory_limit();
      if (const uint64_t all = cache.bytes_used() + memory_.bytes() + bytes; limit != 0 && all > limit)
        fail(Status::resource_exhausted, "beams: with the kv cache they need " + std::to_string(all) +
                                             " bytes, more than the session's memory_limit_bytes of " + std::to_string(limit));
      memory_.grow(bytes, "beams");
      ++n_charged_;
    }
    auto* node = new Node{session_.save_tail(length), parent.node(), parent.depth() + 1, 1, &n_alive_};
    if (node->parent) ++node->parent->references;
    ++n_alive_;
    return Path(node);
  }

  // Makes the session hold the prompt and this path.
  void enter(const Path& path) {
    std::vector<const Node*> missing;
    const Node *to = path.node(), *from = here_.node();
    while (from && from->depth > path.depth()) from = from->parent;
    while (to != from) {
      missing.push_back(to);
      if (from && from->depth == to->depth) from = from->parent;
      to = to->parent;
    }
    session_.truncate(prompt_.size() + (to ? to->depth : 0));
    for (size_t i = missing.size(); i-- > 0;) session_.restore_tail(missing[i]->cell);
    here_ = path;
  }

  void gather(size_t index, const std::vector<float>& logits) {
    const auto vocab = static_cast<int64_t>(logits.size());
    const kernels::KernelTable& kernels = engine_.kernels();
    require_usable(logits.data(), vocab, kernels);
    const float largest = kernels.max(logits.data(), vocab);
    const double base = live_[index].logprob - largest - base::natural_log(kernels.sum_exp(logits.data(), vocab, largest));
    for (const int32_t id : stop_ids_)
      if (const double logprob = base + logits[static_cast<size_t>(id)]; logprob > -INFINITY) stops_.push_back({index, id, logprob});
    for (int32_t id = 0; id < vocab; ++id) {
      const double logprob = base + logits[static_cast<size_t>(id)];
      if (logprob < bar_ || logprob == -INFINITY || is_stop(id)) continue;
      open_.push_back({index, id, logprob});
      if (open_.size() >= 4 * static_cast<size_t>(kMaxBeamWidth)) prune();
    }
  }

  // Leaves the best `width` candidates that go on.
  void prune() {
    if (open_.size() <= options_.width) return;
    const auto last = open_.begin() + options_.width;
    std::nth_element(open_.begin(), last - 1, open_.end(), better);
    open_.erase(last, open_.end());
    bar_ = open_.back().logprob;
  }

  // Candidates among the best `width` of all that end here are finished; the best `width` others go on.
  void choose(uint64_t length) {
    std::vector<Candidate> all = open_;
    all.insert(all.end(), stops_.begin(), stops_.end());
    std::sort(all.begin(), all.end(), better);
    std::vector<Beam> next;
    for (size_t i = 0; i < all.size(); ++i) {
      const Candidate& c = all[i];
      const Beam& parent = live_[c.beam];
      const bool stops = is_stop(c.token);
      if (stops || length == limit_) {
        if (i < options_.width) keep(parent.path, c, length, stops ? Finish::stop_token : result_.finish);
      } else {
        next.push_back({parent.path, c.token, c.logprob, parent.parent_at});
      }
    }
    live_ = std::move(next);
  }

  bool settled(uint64_t length) const {
    if (live_.empty()) return true;
    if (finished_.size() < options_.width) return false;
    if (options_.early_stopping == EarlyStopping::first) return true;
    const bool longest = options_.early_stopping == EarlyStopping::never && options_.length_penalty > 0;
    return score(live_.front().logprob, longest ? limit_ : length) <= finished_.back().score;
  }

  double score(double logprob, uint64_t length) const {
    return logprob / base::power(static_cast<double>(length), static_cast<double>(options_.length_penalty));
  }

  // Among the finished, of which the best `width` stay.
  void keep(const Path& path, const Candidate& c, uint64_t length, Finish finish) {
    const bool stops = finish == Finish::stop_token;
    Finished f{path, stops ? -1 : c.token, stops ? c.token : -1, finish, c.logprob, score(c.logprob, length)};
    const auto at =
        std::upper_bound(finished_.begin(), finished_.end(), f, [](const Finished& a, const Finished& b) { return a.score > b.score; });
    finished_.insert(at, std::move(f));
    if (finished_.size() > options_.width) finished_.pop_back();
  }

  // The session as the options want it, after any end but a failure.
  void leave() {
    const uint64_t now = runtime::now_ns(), prefill_end = prefill_end_ns_ ? prefill_end_ns_ : now;
    result_.prefill_seconds = static_cast<double>(prefill_end - started_ns_) * 1e-9;
    result_.decode_seconds = static_cast<double>(now - prefill_end) * 1e-9;
    if (!finished_.empty()) result_.generated_tokens = finished_.front().path.depth() + (finished_.front().last >= 0 ? 1 : 0);
    if (options_.rollback) {
      run_.undo();
    } else if (prefill_end_ns_ != 0) {
      enter(finished_.empty() ? Path() : finished_.front().path);
      if (!finished_.empty() && finished_.front().last >= 0) session_.commit(finished_.front().last);
    }
  }

  bool is_stop(int32_t token) const { return std::binary_search(stop_ids_.begin(), stop_ids_.end(), token); }

  Session& session_;
  const Engine& engine_;
  const std::vector<int32_t>& prompt_;
  const BeamOptions& options_;
  const uint64_t stall_timeout_ns_;
  const BeamProgress& progress_;
  Result& result_;
  const uint64_t limit_;  // tokens of the longest possible hypothesis
  const std::vector<int32_t> stop_ids_;
  runtime::StopSignal stop_;
  PromptRun run_;
  const uint64_t started_ns_ = runtime::now_ns();
  uint64_t prefill_end_ns_ = 0;

  runtime::Charge memory_;
  uint64_t n_alive_ = 0, n_charged_ = 0;  // nodes; outlive the paths below
  Path here_;                             // what the session holds behind the prompt
  std::vector<Beam> live_;                // best first
  std::vector<Finished> finished_;        // best first, at most width
  std::vector<Candidate> open_, stops_;   // of this step
  double bar_ = -INFINITY;                // below it no candidate goes on
};

void search(Session& session, const Prompt& prompt, const BeamOptions& options, const Limits& limits, const BeamProgress& progress,
            BeamOutcome& out) {
  const runtime::DefaultFloatMode float_mode;
  if (session.info().generation_open)
    fail(Status::failed_precondition, "beam search: a generation is open on this session; stop or release it first");
  validate(options, static_cast<int32_t>(session.engine().config().vocab));
  if (limits.prompt_lookup != 0) fail(Status::invalid_argument, "prompt_lookup does not work with a beam search; set it to 0");
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
  Search search(session, encoded.ids, options, limits, progress, out.result);
  try {
    search.run();
  } catch (const base::Error&) {
    if (out.result.status != Status::ok) out.hypotheses = search.hypotheses();  // stopped, not failed
    throw;
  }
  out.hypotheses = search.hypotheses();
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
