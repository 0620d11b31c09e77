#include "generation/saved_generation.h"

#include <algorithm>
#include <string>

#include "base/byte_reader.h"
#include "base/refuse.h"
#include "generation/saved_options.h"

namespace rustml::generation {

namespace {

constexpr uint64_t kMaxGenerationBytes = 256u << 20;

// Begins section 6; behind it i32[n_parted], then the cells of [parted_begin, parted_end) as in section 3.
struct BackHeader {
  uint64_t begun, length, parted_begin, n_parted, parted_end, parted_floor;
};
static_assert(sizeof(BackHeader) == 6 * 8, "written as it is: no padding");

std::vector<std::byte> encode_generation(const SavedGeneration& saved) {
  PayloadWriter out;
  for (const SavedOption& option : options_of_1_0()) option.write(saved.options, out);
  out.number(static_cast<uint64_t>(saved.prompt.size()));
  out.append(saved.prompt.data(), saved.prompt.size() * sizeof(int32_t));
  out.number(saved.skipped);
  out.number(saved.dropped_bytes);
  return out.bytes();
}

SavedGeneration decode_generation(SnapshotReader& reader, int64_t vocab) {
  const std::vector<std::byte> bytes = reader.load(kGenerationSection, kMaxGenerationBytes);
  const auto source = base::open_memory(bytes.data(), bytes.size(), "snapshot");
  base::ByteReader in(*source, 0, bytes.size());
  in.about("generation");
  SavedGeneration saved;
  for (const SavedOption& option : options_of_1_0()) option.read(saved.options, in, option.name);
  const auto n_prompt = in.number<uint64_t>("prompt");
  in.require(n_prompt, sizeof(int32_t), "prompt");
  saved.prompt.resize(n_prompt);
  in.bytes(saved.prompt.data(), n_prompt * sizeof(int32_t), "prompt");
  saved.skipped = in.number<uint64_t>("skipped");
  saved.dropped_bytes = in.number<uint64_t>("dropped bytes");
  if (in.remaining() != 0)
    fail(Status::data_loss, "snapshot: the open generation is followed by " + std::to_string(in.remaining()) + " bytes");
  if (reader.has(kLaterOptionsSection)) decode_later_options(reader.load(kLaterOptionsSection, kMaxGenerationBytes), saved.options);
  try {
    validate(saved.options, static_cast<int32_t>(vocab));
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
  if (n > state.cache.capacity())
    fail(Status::out_of_range,
         std::string("snapshot: ") + what + " has " + std::to_string(n) + " tokens, more than this session's context of " +
             std::to_string(state.cache.capacity()) + "; create the session with more context_tokens",
         base::refusal_detail("context_tokens", state.cache.capacity(), "at least " + std::to_string(n) + " for this snapshot"));
}

void require_floor(const char* what, uint64_t floor, uint64_t length, const RestoredState& state) {
  const auto window = static_cast<uint64_t>(std::max<int64_t>(state.cache.shape().window, 0));
  if (floor != 0 && (window == 0 || floor > length || floor % models::kKvStep != 0 || floor + window > length))
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
    tail->range = {h.parted_begin, h.parted_end, h.parted_floor};
    tail->tokens.resize(h.n_parted);
    in.read(tail->tokens.data(), h.n_parted * sizeof(int32_t));
    require_ids(tail->tokens, state.vocab);
    const uint64_t n_bytes = state.cache.bytes(tail->range);
    if (in.left() != n_bytes)
      damaged("has " + std::to_string(in.left()) + " bytes of cells, not the " + std::to_string(n_bytes) + " its counts ask for");
    tail->cells.resize(n_bytes);
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

std::vector<EncodedSection> encode(const SavedGeneration& saved, const std::vector<int32_t>& tokens) {
  std::vector<EncodedSection> sections;
  sections.push_back({kGenerationSection, true, encode_generation(saved)});
  if (!said_by_options(saved, tokens)) {
    const WayBack& back = saved.back;
    BackHeader header{back.begun, back.length, 0, 0, 0, 0};
    if (const Tail* tail = back.parted.get())
      header = {1, back.length, tail->range.begin, tail->tokens.size(), tail->range.end, tail->range.floor};
    PayloadWriter payload;
    payload.append(&header, sizeof header);
    if (back.parted) payload.append(back.parted->tokens.data(), back.parted->tokens.size() * sizeof(int32_t));
    sections.push_back({kWayBackSection, !back.begun, payload.bytes(), back.parted});
  }
  if (auto later = encode_later_options(saved.options); !later.empty()) sections.push_back({kLaterOptionsSection, true, std::move(later)});
  return sections;
}

std::optional<SavedGeneration> decode(SnapshotReader& reader, const RestoredState& state, runtime::Call& call) {
  const bool has_back = reader.has(kWayBackSection);
  if (!reader.has(kGenerationSection)) {
    if (has_back || reader.has(kLaterOptionsSection))
      fail(Status::data_loss, "snapshot: it has the way back or options of a generation, but no generation; the file is damaged");
    return std::nullopt;
  }
  SavedGeneration saved = decode_generation(reader, state.vocab);
  if (saved.prompt.empty()) damaged("has no prompt");
  require_room("the open generation's prompt", saved.prompt.size(), state);
  if (has_back) {
    SectionStream back(reader, kWayBackSection);
    read_back(back, state, saved, call);
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
