// What a snapshot holds: sections of the container in snapshot_container.h.
//
//   1 summary     fingerprints of model and tokenizer, cache type and shape, rotary parameters, counts of tokens
//   2 tokens      i32 [tokens]
//   3 cells       per layer and KV head: K, then V, each [evaluated][head_dim] in the cache's type, then Q8_0's scales
//   4 hidden      f32 [hidden] after the final norm of the last evaluated token; empty if it has to be computed again
//   5 generation  options and prompt of the generation that was open; absent if none was
//   6 way back    what ROLLBACK and errors of that generation go back to; absent where section 5 says it (saved_generation.cpp)
//   7 options     those that 1.0 did not have; absent where all have their defaults (saved_options.h)
//   8 keys        f32: the cells of sections 3 and 6 lack those biases of keys that are larger (ops/key_bias.h); absent: none, or no cells
//
// A restore reads into a cache of its own, checks everything, and swaps: all or nothing. Randomness is philox(seed, position);
// penalties, stop matcher and UTF-8 tail are rebuilt from the tokens.
#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "base/number_text.h"
#include "base/refuse.h"
#include "generation/generation.h"

namespace rustml::generation {

namespace {

enum : uint32_t { kSummary = 1, kTokens, kCells, kHidden, kKeys = 8 };
constexpr uint32_t kKnown[] = {kSummary, kTokens, kCells, kHidden, kGenerationSection, kWayBackSection, kLaterOptionsSection, kKeys};

struct Summary {
  uint64_t model_low, model_high, tokenizer_low, tokenizer_high;
  int64_t n_layers, n_kv_heads, head_dim, hidden, vocab;
  double rope_base, rope_factor;
  int64_t rope_scaling, window;  // window: 0, no window layers
  double window_rope_base;
  int64_t kv_type;
  uint64_t n_tokens, n_evaluated, floor;  // floor: window layers have cells from this position on
};
static_assert(sizeof(Summary) == 18 * 8, "written as it is: no padding");

// The kind; where its number and factor do not say all, above them a hash of the frequencies and magnitude that cells were made with.
int64_t rotary_scaling(const Session& session) {
  const ops::RopeScaling& scaling = session.engine().config().rope_scaling;
  const auto kind = static_cast<int64_t>(scaling.kind);
  if (scaling.kind <= ops::RopeScaling::Kind::llama3 && scaling.magnitude == 1) return kind;
  std::vector<double> all = session.frequencies();
  all.push_back(scaling.magnitude);
  return static_cast<int64_t>(base::hash64(all.data(), all.size() * sizeof(double)) >> 16 << 8) | kind;
}

Summary summarize(const Session& session) {
  const Engine& engine = session.engine();
  const models::Config& c = engine.config();
  return {engine.fingerprint().low,
          engine.fingerprint().high,
          engine.tokenizer().fingerprint_low(),
          engine.tokenizer().fingerprint_high(),
          c.n_layers,
          c.n_kv_heads,
          c.head_dim,
          c.hidden,
          c.vocab,
          c.rope_base,
          c.rope_scaling.factor,
          rotary_scaling(session),
          c.window,
          c.window_rope_base,
          static_cast<int64_t>(session.cache().type()),
          session.tokens().size(),
          session.evaluated(),
          session.cache().floor()};
}

template <class T>
void require_same(const char* field, T snapshot, T model) {
  if (snapshot != model)
    fail(Status::failed_precondition, std::string("snapshot: ") + field + " is " + base::shortest(snapshot) + " but this session's is " +
                                          base::shortest(model) + "; restore it with the model, tokenizer and options it was taken with");
}

// Also refused: snapshots of 1.0 whose file's text that version cut into other tokens than the model knows.
void require_tokenizer(const Summary& s, const Summary& mine, const std::string& tokenizer) {
  if (s.tokenizer_low == mine.tokenizer_low && s.tokenizer_high == mine.tokenizer_high) return;
  fail(Status::failed_precondition,
       "snapshot: tokenizer fingerprint is " + base::shortest(s.tokenizer_low) + " but this session's, " + tokenizer + ", is " +
           base::shortest(mine.tokenizer_low) +
           "; restore it with the tokenizer it was taken with, or begin anew if an older version of the library took "
           "it, which cut text into other tokens for this file");
}

void require_match(const Summary& s, const Summary& mine, const std::string& tokenizer) {
  require_same("model fingerprint", s.model_low, mine.model_low);
  require_same("model fingerprint", s.model_high, mine.model_high);
  require_tokenizer(s, mine, tokenizer);
  require_same("number of layers", s.n_layers, mine.n_layers);
  require_same("number of KV heads", s.n_kv_heads, mine.n_kv_heads);
  require_same("head dimension", s.head_dim, mine.head_dim);
  require_same("hidden dimension", s.hidden, mine.hidden);
  require_same("vocabulary size", s.vocab, mine.vocab);
  require_same("rotary base", s.rope_base, mine.rope_base);
  require_same("rotary factor", s.rope_factor, mine.rope_factor);
  if (s.rope_scaling != mine.rope_scaling)
    fail(Status::failed_precondition,
         "snapshot: the rotary scaling of its session is not this session's; restore it with the same configuration of the model and the "
         "same context_tokens");
  require_same("attention window", s.window, mine.window);
  require_same("rotary base of window layers", s.window_rope_base, mine.window_rope_base);
  require_same("kv_type", s.kv_type, mine.kv_type);
}

void require_counts(const Summary& s) {
  if (s.n_evaluated > s.n_tokens || s.n_tokens - s.n_evaluated > 1 || s.n_tokens > models::kMaxContext)
    fail(Status::data_loss, "snapshot: " + std::to_string(s.n_evaluated) + " of " + std::to_string(s.n_tokens) +
                                " tokens evaluated cannot be; the file is damaged");
  if (s.floor != 0 && (s.window <= 0 || s.floor > s.n_evaluated || s.floor % models::kKvStep != 0 ||
                       s.floor + static_cast<uint64_t>(s.window) > s.n_evaluated))
    fail(Status::data_loss, "snapshot: window layers from position " + std::to_string(s.floor) + " on cannot be; the file is damaged");
}

void require_length(SnapshotReader& reader, uint32_t id, const char* name, uint64_t want) {
  if (reader.length(id) != want)
    fail(Status::data_loss, std::string("snapshot: section ") + name + " has " + std::to_string(reader.length(id)) + " bytes, not the " +
                                std::to_string(want) + " its counts ask for");
}

Summary load_summary(SnapshotReader& reader) {
  require_length(reader, kSummary, "summary", sizeof(Summary));
  const std::vector<std::byte> bytes = reader.load(kSummary, sizeof(Summary));
  Summary s;
  std::memcpy(&s, bytes.data(), sizeof s);
  require_counts(s);
  if (s.kv_type < 1 || s.kv_type > 3) fail(Status::data_loss, "snapshot: kv_type is " + std::to_string(s.kv_type) + "; it must be 1 to 3");
  return s;
}

// Some cells are without the large biases of keys.
bool lacks_biases(const Session& session, const std::vector<EncodedSection>& generation) {
  const models::KvCache& cache = session.cache();
  if (!session.engine().model().has_large_key_bias() || cache.type() != kernels::KvType::q8_0 || cache.whole_keys()) return false;
  return session.evaluated() > 0 ||
         std::any_of(generation.begin(), generation.end(), [](const EncodedSection& e) { return e.tail != nullptr; });
}

// The sections of a session as it is now, in order.
std::vector<SnapshotSection> describe(const Session& session, bool has_hidden, const std::vector<EncodedSection>& generation) {
  const models::KvCache& cache = session.cache();
  std::vector<SnapshotSection> sections = {
      {kSummary, true, sizeof(Summary)},
      {kTokens, true, session.tokens().size() * sizeof(int32_t)},
      {kCells, true, cache.bytes({0, session.evaluated(), cache.floor()})},
      {kHidden, true, has_hidden ? static_cast<uint64_t>(session.engine().config().hidden) * sizeof(float) : 0}};
  for (const EncodedSection& e : generation) sections.push_back({e.id, e.critical, e.length()});
  if (lacks_biases(session, generation)) sections.push_back({kKeys, true, sizeof ops::kLargeKeyBias});
  return sections;
}

// Whether the cells' keys have all of their biases. Which ones they lack follows from the model and the number in the snapshot.
bool has_whole_keys(SnapshotReader& reader, const Session& session, bool any_cells) {
  if (!reader.has(kKeys)) return any_cells;
  require_length(reader, kKeys, "keys", sizeof(float));
  float largest;
  std::memcpy(&largest, reader.load(kKeys, sizeof largest).data(), sizeof largest);
  if (largest != ops::kLargeKeyBias)
    fail(Status::unimplemented, "snapshot: its keys lack biases larger than " + base::shortest(largest) +
                                    "; this library leaves out those larger than " + base::shortest(ops::kLargeKeyBias));
  if (session.cache().type() != kernels::KvType::q8_0 || !session.engine().model().has_large_key_bias())
    fail(Status::data_loss, "snapshot: its keys lack biases that this model does not have; the file is damaged");
  return false;
}

// data_loss unless the sections are as long as the summary says; out_of_range: the session cannot hold that much.
void require_lengths(SnapshotReader& reader, const Summary& s, const Session& session) {
  if (s.n_tokens > session.capacity())
    fail(Status::out_of_range,
         "snapshot: it holds " + std::to_string(s.n_tokens) + " tokens, more than this session's context of " +
             std::to_string(session.capacity()) + "; create the session with more context_tokens",
         base::refusal_detail("context_tokens", session.capacity(), "at least " + std::to_string(s.n_tokens) + " for this snapshot"));
  require_length(reader, kTokens, "tokens", s.n_tokens * sizeof(int32_t));
  require_length(reader, kCells, "cells", session.cache().bytes({0, s.n_evaluated, s.floor}));
  if (reader.length(kHidden) != 0) require_length(reader, kHidden, "hidden", static_cast<uint64_t>(s.hidden) * sizeof(float));
}

template <class T>
std::vector<T> read_numbers(SnapshotReader& reader, uint32_t section) {
  SectionStream in(reader, section);
  std::vector<T> numbers(in.left() / sizeof(T));
  in.read(numbers.data(), numbers.size() * sizeof(T));
  in.finish();
  return numbers;
}

void read_cells(SnapshotReader& reader, const models::KvRange& range, models::KvCache& cache, runtime::Call& call) {
  SectionStream in(reader, kCells);
  const uint64_t total = in.left();
  std::vector<std::byte> cells;
  cache.import_cells(range, [&](uint64_t n) {
    call.stop.check("restore");
    cells.resize(n);
    in.read(cells.data(), n);
    if (call.progress) call.progress(total - in.left(), total);
    return static_cast<const std::byte*>(cells.data());
  });
  in.finish();
}

}  // namespace

std::vector<EncodedSection> Session::encoded_generation() const {
  if (const auto open = open_generation()) return encode(open->save(), tokens_);
  if (carried()) return encode(*carried(), tokens_);
  return {};
}

uint64_t Session::snapshot_size() const { return snapshot_bytes(describe(*this, has_hidden(), encoded_generation())); }

void Session::snapshot_write(const SnapshotWriter::Write& write, runtime::Call& call) const {
  const std::vector<EncodedSection> generation = encoded_generation();
  SnapshotWriter out(describe(*this, has_hidden(), generation), write, call);
  const Summary summary = summarize(*this);
  out.begin(kSummary);
  out.append(&summary, sizeof summary);
  out.begin(kTokens);
  out.append(tokens_.data(), tokens_.size() * sizeof(int32_t));
  out.begin(kCells);
  cache_.export_cells({0, evaluated(), cache_.floor()}, [&](const std::byte* cells, uint64_t n) {
    call.stop.check("snapshot");
    out.append(cells, n);
  });
  out.begin(kHidden);
  if (has_hidden()) out.append(outputs_.hidden.data(), outputs_.hidden.size() * sizeof(float));
  for (const EncodedSection& e : generation) {
    out.begin(e.id);
    out.append(e.bytes.data(), e.bytes.size());
    if (e.tail) out.append(e.tail->cells.data(), e.tail->cells.size());
  }
  if (lacks_biases(*this, generation)) {
    out.begin(kKeys);
    out.append(&ops::kLargeKeyBias, sizeof ops::kLargeKeyBias);
  }
  out.finish();
}

RestoreInfo Session::restore(base::FileReader& source, runtime::Call& call) {
  require_closed("restore");
  call.stop.check("restore");
  SnapshotReader reader(source, kKnown);
  const Summary s = load_summary(reader);
  require_match(s, summarize(*this), engine_->tokenizer().kind());
  const models::KvRange range{0, s.n_evaluated, s.floor};
  require_lengths(reader, s, *this);
  const std::vector<int32_t> tokens = read_numbers<int32_t>(reader, kTokens);
  require_ids(tokens, engine_->config().vocab);
  std::vector<float> hidden = read_numbers<float>(reader, kHidden);
  std::optional<SavedGeneration> generation = decode(reader, {tokens, s.n_evaluated, s.floor, cache_, engine_->config().vocab}, call);

  models::KvCache cache(cache_.shape(), cache_.type(), capacity(), options_.memory_limit_bytes, engine_->budget());
  cache.set_whole_keys(has_whole_keys(reader, *this, s.n_evaluated > 0 || (generation && generation->back.parted)));
  cache.raise_floor(s.floor);
  cache.reserve(std::max(s.n_tokens, generation ? generation->back.length : 0));
  read_cells(reader, range, cache, call);
  source.require_unchanged([&] { call.stop.check("restore"); });
  call.stop.check("restore");

  // Nothing below can fail.
  cache.hold(generation ? generation->back.held_floor(s.floor) : UINT64_MAX);
  cache.set_length(s.n_evaluated);
  cache_ = std::move(cache);
  tokens_.assign(tokens.begin(), tokens.end());  // within the capacity reserved
  outputs_.n_tokens = hidden.empty() ? 0 : s.n_evaluated;
  outputs_.has_logits = false;
  if (!hidden.empty()) outputs_.hidden.swap(hidden);
  guesses_.forget();
  const bool carries = generation.has_value();
  generation_ = {};
  if (carries) generation_ = *std::move(generation);
  return {carries, s.n_tokens, s.n_evaluated, cache_.rewind_floor()};
}

SnapshotInfo snapshot_probe(base::FileReader& source) {
  SnapshotReader reader(source, kKnown);
  const Summary s = load_summary(reader);
  return {reader.version(),
          reader.total_bytes(),
          s.n_tokens,
          s.model_low,
          s.model_high,
          static_cast<kernels::KvType>(s.kv_type),
          reader.has(kGenerationSection)};
}

}  // namespace rustml::generation
