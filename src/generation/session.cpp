#include "generation/session.h"

#include <algorithm>
#include <cstdio>

#include "base/log.h"
#include "base/number_text.h"
#include "base/refuse.h"
#include "generation/generation.h"
#include "generation/sampler.h"

namespace rustml::generation {

namespace {

void require_ids(std::span<const int32_t> ids, int64_t vocab) {
  for (size_t i = 0; i < ids.size(); ++i)
    if (ids[i] < 0 || ids[i] >= vocab)
      fail(Status::invalid_argument,
           "id " + std::to_string(ids[i]) + " at index " + std::to_string(i) + " is not in the vocabulary; ids are 0 to " +
               std::to_string(vocab - 1),
           base::refusal_detail("ids[" + std::to_string(i) + "]", ids[i], "0 to " + std::to_string(vocab - 1)));
}

const char* kv_name(kernels::KvType type) { return type == kernels::KvType::f32 ? "f32" : type == kernels::KvType::f16 ? "f16" : "q8_0"; }

// A step over tokens that may be in the cache already: unless it finishes, they still are.
struct Restep {
  models::KvCache& cache;
  uint64_t length;
  bool finished = false;
  ~Restep() {
    if (!finished) cache.set_length(length);
  }
};

}  // namespace

Session::Session(std::shared_ptr<Engine> engine, const SessionOptions& options)
    : engine_(std::move(engine)),
      options_(options),
      cache_(engine_->model().kv_shape(), options.kv_type, context_tokens(engine_->config(), options), options.memory_limit_bytes,
             engine_->budget()),
      scratch_(engine_->config(), prefill_chunk(options, cache_.capacity()), static_cast<int64_t>(cache_.capacity()), engine_->n_threads(),
               engine_->budget()),
      outputs_{std::vector<float>(static_cast<size_t>(engine_->config().hidden)),
               std::vector<float>(static_cast<size_t>(engine_->config().vocab))} {
  tokens_.reserve(cache_.capacity());
  scratch_.frequencies = engine_->model().frequencies_of(capacity());
  const models::KvShape& kv = cache_.shape();
  const auto n = [](auto number) { return std::to_string(number); };
  base::log(base::LogLevel::info, "rustml",
            "KV cache: " + base::fixed(static_cast<double>(cache_.bytes_reserved()) / (1024.0 * 1024.0), 1) + " MB (" + n(kv.n_layers) +
                "layers x " + n(kv.n_kv_heads) + "heads x " + n(cache_.capacity()) + "seq x " + n(kv.head_dim) + "dim x " +
                kv_name(cache_.type()) + " x 2)");
  const ops::RopeScaling& scaling = engine_->config().rope_scaling;
  if (scaling.by_length() && static_cast<double>(capacity()) > scaling.original_context)
    base::log(base::LogLevel::warn, "rustml",
              "context_tokens is " + n(capacity()) + ", more than the " + base::shortest(scaling.original_context) +
                  " that the model was first trained on: its rotary scaling for long texts holds from the first token on, so that "
                  "short texts get other answers than in a session without it");
  engine_->n_sessions().fetch_add(1, std::memory_order_relaxed);
}

Session::~Session() { engine_->n_sessions().fetch_sub(1, std::memory_order_relaxed); }

std::shared_ptr<const Generation> Session::open_generation() const noexcept {
  const auto* open = std::get_if<std::weak_ptr<const Generation>>(&generation_);
  return open ? open->lock() : nullptr;
}

void Session::require_closed(const char* what) const {
  if (open_generation())
    fail(Status::failed_precondition, std::string(what) + ": a generation is open on this session; stop or release it first");
}

SessionInfo Session::info() const noexcept {
  return {false,
          open_generation() != nullptr,
          tokens_.size(),
          cache_.capacity(),
          cache_.rewind_floor(),
          cache_.bytes_reserved(),
          cache_.bytes_used(),
          cache_.type()};
}

void Session::truncate(uint64_t n_tokens) noexcept {
  drop(n_tokens);
  if (n_tokens == 0) cache_.clear();
}

void Session::drop(uint64_t n_tokens) noexcept {
  if (n_tokens >= tokens_.size()) return;
  guesses_.forget();
  tokens_.resize(n_tokens);
  cache_.set_length(std::min(cache_.length(), n_tokens));
  if (outputs_.n_tokens > n_tokens) outputs_.n_tokens = 0;
}

void Session::rewind(uint64_t n_tokens) {
  require_closed("rewind");
  if (n_tokens > tokens_.size())
    fail(Status::out_of_range,
         "rewind to " + std::to_string(n_tokens) + ": the session has only " + std::to_string(tokens_.size()) + " tokens");
  if (n_tokens > 0 && n_tokens < cache_.rewind_floor())
    fail(Status::out_of_range, "rewind to " + std::to_string(n_tokens) +
                                   ": window layers have given back the cells it needs; the floor is " +
                                   std::to_string(cache_.rewind_floor()) + ", or 0 to start anew");
  truncate(n_tokens);
  generation_ = {};
  unhold();
  if (n_tokens == 0) cache_.set_whole_keys(false);
}

void Session::end_generation() noexcept {
  generation_ = {};
  guesses_ = {};
  unhold();
}

std::shared_ptr<Session> Session::fork(runtime::Call& call) {
  call.stop.check("fork");
  auto copy = std::make_shared<Session>(engine_, options_);
  copy->cache_.copy_from(cache_);
  call.stop.check("fork");
  copy->tokens_.assign(tokens_.begin(), tokens_.end());
  copy->outputs_ = outputs_;
  return copy;
}

// One pass over `ids` behind the evaluated tokens; nothing of it counts yet. False: stopped.
bool Session::run(std::span<const int32_t> ids, float* hidden, float* logits, int64_t n_scores, runtime::StopSignal& stop) {
  guesses_.forget();
  cache_.reserve(cache_.length() + ids.size());
  runtime::ProfileLines lines = runtime::ProfileLines::wanted();
  const uint64_t start = runtime::now_ns();
  models::Pass pass{ids.data(), static_cast<int64_t>(ids.size()), cache_, scratch_, hidden, logits, lines, n_scores};
  if (hidden) outputs_.n_tokens = 0;  // overwritten from here on
  const bool finished = engine_->run(pass, stop, pieces_after_stop_);
  if (lines.level != runtime::ProfileLevel::off && finished) report(pass, start, lines);
  lines.flush();
  n_passes_ += finished ? 1 : 0;
  return finished;
}

bool Session::evaluate(std::span<const int32_t> ids, bool want_scores, runtime::StopSignal& stop) {
  const uint64_t end = cache_.length() + ids.size();
  if (!run(ids, want_scores ? outputs_.hidden.data() : nullptr, want_scores ? outputs_.logits.data() : nullptr, 1, stop)) return false;
  cache_.set_length(end);
  if (tokens_.size() < end) tokens_.insert(tokens_.end(), ids.end() - static_cast<std::ptrdiff_t>(end - tokens_.size()), ids.end());
  if (want_scores) {
    outputs_.n_tokens = end;
    outputs_.has_logits = true;
  }
  return true;
}

// Total is more than its parts by the wait for the team's turn.
void Session::report(const models::Pass& pass, uint64_t start_ns, runtime::ProfileLines& lines) const {
  lines.leave();
  const uint64_t end = runtime::now_ns();
  const auto ms = [](uint64_t ns) { return base::fixed(static_cast<double>(ns) * 1e-6, 2); };
  char line[200];
  std::snprintf(line, sizeof line, "model::forward step=%llu tokens=%lld Embedding=%sms Layers=%sms Norm=%sms Projection=%sms Total=%sms",
                static_cast<unsigned long long>(n_passes_), static_cast<long long>(pass.n_tokens), ms(pass.embedding_ns).c_str(),
                ms(pass.layers_ns).c_str(), ms(pass.norm_ns).c_str(), ms(pass.projection_ns).c_str(), ms(end - start_ns).c_str());
  lines.add(base::LogLevel::debug, "rustml::model", line);
  lines.span("model::forward", start_ns, end);
}

const std::vector<float>* Session::scores(runtime::StopSignal& stop, std::span<const int32_t> draft) {
  const uint64_t n = tokens_.size();
  if (outputs_.n_tokens == n) {
    if (!outputs_.has_logits && !engine_->project(outputs_.hidden.data(), scratch_, outputs_.logits.data(), stop)) return nullptr;
    outputs_.has_logits = true;
    return &outputs_.logits;
  }
  auto row = guessed();
  if (!row) {
    Restep step{cache_, cache_.length()};
    cache_.set_length(n - 1);  // pending, or evaluated before a rewind: the same cells are written again
    const int32_t last = tokens_.back();
    if (draft.empty()) {
      step.finished = evaluate(std::span(&last, 1), true, stop);
      return step.finished ? &outputs_.logits : nullptr;
    }
    const std::span<const int32_t> ids = guesses_.prepare(n - 1, last, draft);
    step.finished = run(ids, guesses_.hidden(), guesses_.logits(), std::ssize(ids), stop);
    if (!step.finished) return nullptr;
    guesses_.finish();
    row = guessed();
  }
  adopt(*row);
  return &outputs_.logits;
}

std::optional<Guesses::Row> Session::guessed() const noexcept {
  const uint64_t at = cache_.length();
  return at + 1 == tokens_.size() ? guesses_.find(at, tokens_.back()) : std::nullopt;
}

void Session::adopt(const Guesses::Row& row) noexcept {
  std::copy(row.hidden.begin(), row.hidden.end(), outputs_.hidden.begin());
  std::copy(row.logits.begin(), row.logits.end(), outputs_.logits.begin());
  cache_.set_length(tokens_.size());
  outputs_.n_tokens = tokens_.size();
  outputs_.has_logits = true;
}

// The last token's own step of cells is taken in any case; guesses stay inside it, so they change neither memory nor its limits.
uint64_t Session::draft_room() const noexcept {
  const uint64_t n = tokens_.size();
  if (n == 0 || outputs_.n_tokens == n || guessed()) return 0;
  const uint64_t step = (n + models::kKvStep - 1) / models::kKvStep * models::kKvStep;
  return std::min({step, capacity(), n - 1 + static_cast<uint64_t>(chunk())}) - n;
}

void Session::eval(const int32_t* ids, uint64_t n, runtime::Call& call) {
  require_closed("eval");
  if (n == 0) fail(Status::invalid_argument, "eval: no ids given; pass at least one");
  require_ids({ids, n}, engine_->config().vocab);
  const uint64_t before = tokens_.size();
  if (n > capacity() - before)
    fail(Status::out_of_range, "eval: " + std::to_string(n) + " more tokens than the " + std::to_string(before) +
                                   " in the session exceed its context of " + std::to_string(capacity()));
  cache_.reserve(before + n);
  const Hold hold(*this);
  std::vector<int32_t> all(tokens_.begin() + static_cast<std::ptrdiff_t>(evaluated()), tokens_.end());  // a pending one
  all.insert(all.end(), ids, ids + n);
  const uint64_t evaluated_before = evaluated();
  try {
    for (size_t at = 0; at < all.size();) {
      const size_t step = std::min(all.size() - at, static_cast<size_t>(chunk()));
      if (!evaluate({all.data() + at, step}, at + step == all.size(), call.stop)) call.stop.raise("eval");
      at += step;
      if (call.progress) call.progress(std::min<uint64_t>(at, n), n);
    }
  } catch (...) {
    const int32_t pending = before > evaluated_before ? tokens_[evaluated_before] : -1;
    truncate(evaluated_before);
    if (pending >= 0) tokens_.push_back(pending);
    throw;
  }
  generation_ = {};
}

const std::vector<float>& Session::logits(runtime::Call* call) {
  if (tokens_.empty()) fail(Status::failed_precondition, "logits: the session has no tokens yet; evaluate some first");
  runtime::StopSignal none;
  runtime::StopSignal& stop = call ? call->stop : none;
  const std::vector<float>* const now = scores(stop);
  if (!now) stop.raise("logits");
  require_usable(now->data(), std::ssize(*now), engine_->kernels());
  return *now;
}

Tail Session::save_tail(uint64_t begin) const {
  Tail tail{
      {begin, std::max(begin, evaluated()), cache_.floor()}, {tokens_.begin() + static_cast<std::ptrdiff_t>(begin), tokens_.end()}, {}};
  tail.cells.reserve(cache_.bytes(tail.range));
  cache_.export_cells(tail.range, [&](const std::byte* cells, uint64_t n) { tail.cells.insert(tail.cells.end(), cells, cells + n); });
  return tail;
}

void Session::restore_tail(const Tail& tail) {
  guesses_.forget();
  drop(tail.range.begin);
  const std::byte* from = tail.cells.data();
  cache_.import_cells(tail.range, [&](uint64_t n) { return std::exchange(from, from + n); });
  tokens_.insert(tokens_.end(), tail.tokens.begin(), tail.tokens.end());
  cache_.raise_floor(tail.range.floor);
  cache_.set_length(tail.range.end);
}

std::shared_ptr<Generation> Session::start(const Prompt& prompt, const GenerationOptions& options, const Limits& limits, Result* stopped) {
  require_closed("generation");
  auto generation = Generation::start(shared_from_this(), prompt, options, limits, stopped);
  generation_ = std::weak_ptr<const Generation>(generation);
  unhold();
  return generation;
}

std::shared_ptr<Generation> Session::resume(const Limits& limits) {
  require_closed("resume");
  if (!carried())
    fail(Status::failed_precondition, "resume: the session carries no open generation; restore a snapshot taken while one was open");
  auto generation = Generation::resume(shared_from_this(), *carried(), limits);
  generation_ = std::weak_ptr<const Generation>(generation);  // what the carried one held stays held for it
  return generation;
}

}  // namespace rustml::generation
