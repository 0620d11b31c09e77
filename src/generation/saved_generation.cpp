#include "generation/saved_generation.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/byte_reader.h"
#include "base/error.h"
#include "generation/options.h"

namespace rustml::generation {

using base::fail;
using base::Status;

namespace {

// Begins section 6; behind it i32[n_parted], then the cells of [parted_begin, parted_end) as in section 3.
struct BackHeader {
  uint64_t begun, length, parted_begin, n_parted, parted_end, parted_floor;
};
static_assert(sizeof(BackHeader) == 6 * 8, "written as it is: no padding");

template <class T>
void put_list(PayloadWriter& out, const std::vector<T>& items) {
  out.number(static_cast<uint64_t>(items.size()));
  out.append(items.data(), items.size() * sizeof(T));
}

template <class T>
std::vector<T> get_list(base::ByteReader& in, const char* what) {
  const auto n = in.number<uint64_t>(what);
  in.require(n, sizeof(T), what);
  std::vector<T> items(n);
  in.bytes(items.data(), n * sizeof(T), what);
  return items;
}

std::vector<std::byte> encode_options(const SavedGeneration& saved) {
  PayloadWriter out;
  const GenerationOptions& o = saved.options;
  const SamplingOptions& s = o.sampling;
  out.number(s.seed);
  for (const float value : {s.temperature, s.top_p, s.min_p, s.typical_p, s.repetition_penalty, s.presence_penalty, s.frequency_penalty})
    out.number(value);
  out.number(s.top_k);
  out.number(s.repetition_window);
  out.number(s.logprobs);
  put_list(out, s.logit_bias);
  out.number(o.max_tokens);
  out.number(static_cast<uint64_t>(o.stop_strings.size()));
  for (const std::string& text : o.stop_strings) {
    out.number(static_cast<uint64_t>(text.size()));
    out.append(text.data(), text.size());
  }
  put_list(out, o.stop_ids);
  for (const bool flag : {o.ignore_eos, o.rollback, o.prefill_events}) out.number(static_cast<uint32_t>(flag));
  put_list(out, saved.prompt);
  out.number(saved.skipped);
  out.number(saved.dropped_bytes);
  return out.bytes();
}

SavedGeneration decode_options(const std::vector<std::byte>& bytes, int64_t vocab) {
  const auto source = base::open_memory(bytes.data(), bytes.size(), "snapshot");
  base::ByteReader in(*source, 0, bytes.size());
  in.about("generation");
  SavedGeneration saved;
  GenerationOptions& o = saved.options;
  SamplingOptions& s = o.sampling;
  s.seed = in.number<uint64_t>("seed");
  for (float* value : {&s.temperature, &s.top_p, &s.min_p, &s.typical_p, &s.repetition_penalty, &s.presence_penalty, &s.frequency_penalty})
    *value = in.number<float>("option");
  s.top_k = in.number<int32_t>("top_k");
  s.repetition_window = in.number<uint32_t>("repetition_window");
  s.logprobs = in.number<uint32_t>("logprobs");
  s.logit_bias = get_list<LogitBias>(in, "logit_bias");
  o.max_tokens = in.number<uint64_t>("max_tokens");
  const auto n_strings = in.number<uint64_t>("stop strings");
  in.require(n_strings, sizeof(uint64_t), "stop strings");
  for (uint64_t i = 0; i < n_strings; ++i) {
    const auto n = in.number<uint64_t>("stop string");
    in.require(n, 1, "stop string");
    o.stop_strings.push_back(in.string(n, "stop string"));
  }
  o.stop_ids = get_list<int32_t>(in, "stop_ids");
  for (bool* flag : {&o.ignore_eos, &o.rollback, &o.prefill_events}) *flag = in.number<uint32_t>("flag") != 0;
  saved.prompt = get_list<int32_t>(in, "prompt");
  saved.skipped = in.number<uint64_t>("skipped");
  saved.dropped_bytes = in.number<uint64_t>("dropped bytes");
  if (in.remaining() != 0)
    fail(Status::data_loss, "snapshot: the open generation is followed by " + std::to_string(in.remaining()) + " bytes");
  try {
    validate(o, static_cast<int32_t>(vocab));
  } catch (const base::Error& e) {
    fail(Status::data_loss, "snapshot: the open generation's options are not valid: " + e.message());
  }
  require_ids(saved.prompt, vocab);
  return saved;
}

// Both begin alike, up to the shorter one's end.
bool agree(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  const auto shared = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
  return std::equal(a.begin(), a.begin() + shared, b.begin());
}

// What section 5 alone says: of tokens that go on behind the prompt, that they were generated; of all others, that the generation
// has not begun, which is the same as having begun with just these tokens. It goes back to the tokens of now.
bool said_by_options(const SavedGeneration& saved, const std::vector<int32_t>& tokens) {
  if (!saved.back.begun) return tokens.size() <= saved.prompt.size() && agree(tokens, saved.prompt);
  return !saved.back.parted && saved.back.length == tokens.size();
}

[[noreturn]] void damaged(const std::string& what) {
  fail(Status::data_loss, "snapshot: the open generation " + what + "; the file is damaged");
}

void require_room(const char* what, uint64_t n, const RestoredState& state) {
  if (n > static_cast<uint64_t>(models::kMaxContext)) damaged("has " + std::to_string(n) + " tokens");
  if (n > state.capacity)
    fail(Status::out_of_range, std::string("snapshot: ") + what + " has " + std::to_string(n) +
                                   " tokens, more than this session's context of " + std::to_string(state.capacity) +
                                   "; create the session with more context_tokens");
}

void require_floor(const char* what, uint64_t floor, uint64_t length, const RestoredState& state) {
  const auto window = static_cast<uint64_t>(std::max<int64_t>(state.kv.window, 0));
  if (floor != 0 && (window == 0 || floor % models::kKvStep != 0 || floor + window > length))
    damaged(std::string("goes back to ") + what + " of " + std::to_string(length) + " tokens without the cells they need");
}

void require_possible(const BackHeader& h, const SavedGeneration& saved, const RestoredState& state) {
  if (h.begun > 1) damaged("is neither begun nor not");
  if (h.begun == 0) {
    if ((h.length | h.parted_begin | h.n_parted | h.parted_end | h.parted_floor) != 0) damaged("goes back to tokens before it has begun");
    return;
  }
  if (!agree(state.tokens, saved.prompt)) damaged("has another prompt than the session");
  require_room("the session before its open generation", h.length, state);
  if (h.n_parted == 0) {
    if ((h.parted_begin | h.parted_end | h.parted_floor) != 0) damaged("has cells of no tokens");
    if (h.length > state.tokens.size()) damaged("goes back to " + std::to_string(h.length) + " tokens that are not there");
    if (h.length != 0) require_floor("a session", state.floor, h.length, state);
    return;
  }
  if (h.n_parted > h.length || h.parted_begin != h.length - h.n_parted ||
      h.parted_begin > std::min<uint64_t>(state.n_evaluated, saved.prompt.size()) ||
      (h.parted_end != h.length && h.parted_end + 1 != h.length) || h.parted_floor < state.floor)
    damaged("goes back to tokens that do not fit it");
  require_floor("a session", h.parted_floor, h.length, state);
}

void read_back(SectionStream& in, const RestoredState& state, SavedGeneration& saved, runtime::Call& call) {
  BackHeader h;
  in.read(&h, sizeof h);
  require_possible(h, saved, state);
  saved.back = {h.begun != 0, h.length, nullptr};
  if (h.n_parted != 0) {
    auto tail = std::make_shared<Tail>();
    tail->begin = h.parted_begin;
    tail->tokens.resize(h.n_parted);
    in.read(tail->tokens.data(), h.n_parted * sizeof(int32_t));
    require_ids(tail->tokens, state.vocab);
    tail->end = h.parted_end;
    tail->floor = h.parted_floor;
    const auto heads = static_cast<uint64_t>(state.kv.n_kv_heads);
    uint64_t n_cells = 0;
    for (int64_t l = 0; l < state.kv.n_layers; ++l) n_cells += (tail->end - tail->first(state.kv, l)) * heads;
    if (in.left() != n_cells * state.cell_bytes)
      damaged("has " + std::to_string(in.left()) + " bytes of cells, not the " + std::to_string(n_cells * state.cell_bytes) +
              " its counts ask for");
    tail->cells.resize(n_cells * state.cell_bytes);
    constexpr uint64_t kPiece = uint64_t{4} << 20;
    for (uint64_t at = 0; at < tail->cells.size(); at += kPiece) {
      call.stop.check("restore");
      in.read(tail->cells.data() + at, std::min<uint64_t>(kPiece, tail->cells.size() - at));
    }
    saved.back.parted = std::move(tail);
  }
  in.finish();
}

}  // namespace

EncodedGeneration encode(const SavedGeneration& saved, const std::vector<int32_t>& tokens) {
  EncodedGeneration out;
  out.generation = encode_options(saved);
  if (said_by_options(saved, tokens)) return out;
  const WayBack& back = saved.back;
  BackHeader header{back.begun, back.length, 0, 0, 0, 0};
  if (back.parted) header = {1, back.length, back.parted->begin, back.parted->tokens.size(), back.parted->end, back.parted->floor};
  PayloadWriter payload;
  payload.append(&header, sizeof header);
  if (back.parted) payload.append(back.parted->tokens.data(), back.parted->tokens.size() * sizeof(int32_t));
  out.back = payload.bytes();
  out.parted = back.parted;
  out.back_critical = !back.begun;
  return out;
}

SavedGeneration decode(const std::vector<std::byte>& generation, SectionStream* back, const RestoredState& state, runtime::Call& call) {
  SavedGeneration saved = decode_options(generation, state.vocab);
  if (saved.prompt.empty()) damaged("has no prompt");
  require_room("the open generation's prompt", saved.prompt.size(), state);
  if (back) {
    read_back(*back, state, saved, call);
  } else if (state.tokens.size() > saved.prompt.size() && agree(state.tokens, saved.prompt)) {
    saved.back = {true, state.tokens.size(), nullptr};
  }
  return saved;
}

void require_ids(const std::vector<int32_t>& ids, int64_t vocab) {
  for (const int32_t id : ids)
    if (id < 0 || id >= vocab)
      fail(Status::data_loss, "snapshot: token id " + std::to_string(id) + " is not in the vocabulary of " + std::to_string(vocab));
}

}  // namespace rustml::generation
