// One conversation: its tokens, their KV cache, and the scores of what may follow. Used by one thread at a time.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/file_reader.h"
#include "generation/engine.h"
#include "generation/guesses.h"
#include "generation/saved_generation.h"

namespace rustml::generation {

class Generation;
struct Result;

struct SessionInfo {
  bool poisoned, generation_open;
  uint64_t position, capacity, rewind_floor, kv_bytes_reserved, kv_bytes_used;
  kernels::KvType kv_type;
};

struct RestoreInfo {
  bool generation_open;
  uint64_t n_tokens, tokens_reusable, rewind_floor;
};

struct SnapshotInfo {
  uint32_t format_version;
  uint64_t total_bytes, n_tokens, model_fingerprint_low, model_fingerprint_high;
  kernels::KvType kv_type;
  bool generation_open;
};
SnapshotInfo snapshot_probe(base::FileReader& source);  // a look at a snapshot without a session

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Engine> engine, const SessionOptions& options);
  ~Session();

  std::shared_ptr<Session> fork(runtime::Call& call);
  SessionInfo info() const noexcept;
  const std::vector<int32_t>& tokens() const noexcept { return tokens_; }
  void reset() { rewind(0); }
  void rewind(uint64_t n_tokens);
  void eval(const int32_t* ids, uint64_t n, runtime::Call& call);
  // [vocab_size]; valid until the session changes. failed_precondition when empty. Evaluates a pending token, stopped by `call`
  // if there is one.
  const std::vector<float>& logits(runtime::Call* call = nullptr);

  uint64_t snapshot_size() const;
  void snapshot_write(const SnapshotWriter::Write& write, runtime::Call& call) const;
  RestoreInfo restore(base::FileReader& source, runtime::Call& call);

  // One generation at a time is open on a session.
  std::shared_ptr<Generation> start(const Prompt& prompt, const GenerationOptions& options, const Limits& limits,
                                    Result* stopped = nullptr);  // see Generation::start
  std::shared_ptr<Generation> resume(const Limits& limits);

  // For the generation and the snapshot.
  Engine& engine() const noexcept { return *engine_; }
  std::shared_ptr<Engine> engine_handle() const noexcept { return engine_; }
  // The open generation is over: cells and memory that it held are free again.
  void end_generation() noexcept;
  const models::KvCache& cache() const noexcept { return cache_; }
  uint64_t evaluated() const noexcept { return cache_.length(); }  // tokens in the cache; one more may be pending
  uint64_t capacity() const noexcept { return cache_.capacity(); }
  uint64_t memory_limit() const noexcept { return options_.memory_limit_bytes; }  // of its KV; 0: none
  int64_t chunk() const noexcept { return scratch_.chunk; }
  const std::vector<double>& frequencies() const noexcept {  // of its positions; empty: they are embedded
    return scratch_.frequencies.empty() ? engine_->model().frequencies() : scratch_.frequencies;
  }

  // Takes the cache's memory for n_tokens in all, or throws and changes nothing.
  void reserve(uint64_t n_tokens) { cache_.reserve(n_tokens); }
  // Takes memory for window layers from the first position again, or throws and changes nothing but the length.
  void restart() { cache_.restart(); }
  // Until unhold(), the cells stay that going back to the tokens of now needs.
  void hold() noexcept {
    if (!tokens_.empty()) cache_.hold(cache_.floor());
  }
  void unhold() noexcept { cache_.hold(carried() ? carried()->back.held_floor(cache_.floor()) : UINT64_MAX); }
  struct Hold {
    explicit Hold(Session& s) : session(s) { session.hold(); }
    ~Hold() { session.unhold(); }
    Session& session;
  };
  // Keeps the first n tokens; the last of them becomes pending if its scores are wanted again.
  void truncate(uint64_t n_tokens) noexcept;
  // Adds a token whose evaluation waits until its scores are needed.
  void commit(int32_t token) { tokens_.push_back(token); }
  // Evaluates up to one chunk of `ids` behind the evaluated tokens (a pending one included by the caller in `ids`). The tokens
  // evaluated belong to the session afterwards. False: stopped, nothing has changed.
  bool evaluate(std::span<const int32_t> ids, bool want_scores, runtime::StopSignal& stop);
  bool has_scores() const noexcept { return !tokens_.empty() && outputs_.n_tokens == tokens_.size(); }
  // Scores for what follows the tokens; evaluates a pending one and, in the same pass, `draft` behind it, at most draft_room()
  // guesses of the tokens to come. Their results count only once the guessed tokens are committed: until then, and if others
  // are, the session is as if there had been no guesses. Null: stopped.
  const std::vector<float>* scores(runtime::StopSignal& stop, std::span<const int32_t> draft = {});
  // How many guesses the next scores() can take: 0 when it needs no pass; none that take more memory for cells.
  uint64_t draft_room() const noexcept;
  // Takes memory for drafts of up to n tokens, or throws and changes nothing.
  void expect_drafts(uint64_t n) { guesses_ = Guesses(n, outputs_.hidden.size(), outputs_.logits.size(), engine_->budget()); }
  uint32_t pieces_after_stop() const noexcept { return pieces_after_stop_; }

  Tail save_tail(uint64_t begin) const;
  void restore_tail(const Tail& tail);

 private:
  void drop(uint64_t n_tokens) noexcept;  // truncate() but for the memory
  bool run(std::span<const int32_t> ids, float* hidden, float* logits, int64_t n_scores, runtime::StopSignal& stop);
  std::optional<Guesses::Row> guessed() const noexcept;  // what the pending token gave, if it was guessed
  void adopt(const Guesses::Row& row) noexcept;
  void report(const models::Pass& pass, uint64_t start_ns, runtime::ProfileLines& lines) const;
  const SavedGeneration* carried() const noexcept { return std::get_if<SavedGeneration>(&generation_); }
  std::shared_ptr<const Generation> open_generation() const noexcept;  // null: none
  std::vector<EncodedSection> encoded_generation() const;              // the open one, or the carried one
  bool has_hidden() const noexcept { return outputs_.n_tokens != 0 && outputs_.n_tokens == evaluated(); }
  void require_closed(const char* what) const;

  std::shared_ptr<Engine> engine_;
  const SessionOptions options_;
  models::KvCache cache_;
  models::Scratch scratch_;
  std::vector<int32_t> tokens_;  // cache_.length() of them evaluated; at most one more
  // What the model gave for the last of n_tokens tokens; it stays while more are evaluated without scores.
  struct Outputs {
    std::vector<float> hidden, logits;  // [hidden], [vocab]
    uint64_t n_tokens = 0;              // 0: none
    bool has_logits = false;            // false: they can be had from `hidden`
  } outputs_;
  Guesses guesses_;
  uint32_t pieces_after_stop_ = 0;
  uint64_t n_passes_ = 0;  // finished ones
  // None; the one that the snapshot restored last carried, which resume() continues; or the open one, which keeps this session alive.
  std::variant<std::monostate, SavedGeneration, std::weak_ptr<const Generation>> generation_;
};

}  // namespace rustml::generation
