// The generation that a snapshot carries, as sections 5 (options and prompt), 6 (where it goes back to) and 7 (later options) of
// snapshot.cpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "generation/options.h"
#include "generation/snapshot_container.h"
#include "models/kv_cache.h"

namespace rustml::generation {

// Tokens and cells of a session from a position on, put away while a prompt that parts there is evaluated.
struct Tail {
  models::KvRange range;  // from `begin` to the last evaluated one, with the cache's floor then
  std::vector<int32_t> tokens;
  std::vector<std::byte> cells;  // of `range`, as KvCache exports them
};

// What ROLLBACK and errors make of a session that a prompt was put into.
struct WayBack {
  bool begun = false;                  // the session holds the prompt, or the part evaluated so far; if not, nothing has changed
  uint64_t length = 0;                 // tokens before
  std::shared_ptr<const Tail> parted;  // those of them that the prompt replaced; null: none
  // Window layers keep cells from here on, where the cache's floor is `floor` now; UINT64_MAX: as they like.
  uint64_t held_floor(uint64_t floor) const noexcept { return !begun || length == 0 ? UINT64_MAX : parted ? parted->range.floor : floor; }
};

struct SavedGeneration {
  GenerationOptions options;
  std::vector<int32_t> prompt;  // whole; once begun, the tokens generated so far are those behind it in the session
  uint64_t skipped = 0, dropped_bytes = 0;
  WayBack back;
};

enum : uint32_t { kGenerationSection = 5, kWayBackSection, kLaterOptionsSection };

// Its sections as a snapshot has them, in order.
struct EncodedSection {
  uint32_t id;
  bool critical;  // a reader that ignored it would go on wrongly
  std::vector<std::byte> bytes;
  std::shared_ptr<const Tail> tail = nullptr;  // whose cells follow the bytes; null: none
  uint64_t length() const noexcept { return bytes.size() + (tail ? tail->cells.size() : 0); }
};
std::vector<EncodedSection> encode(const SavedGeneration& saved, const std::vector<int32_t>& tokens);

// What a restore has read before: of the session, already checked.
struct RestoredState {
  const std::vector<int32_t>& tokens;
  uint64_t n_evaluated, floor;
  const models::KvCache& cache;  // of the session as it is: its shape, type and capacity
  int64_t vocab;
};
// Nothing if the snapshot has no generation. data_loss: it cannot be; unimplemented: it has an option that this library does not
// know; out_of_range: it needs more context than there is.
std::optional<SavedGeneration> decode(SnapshotReader& reader, const RestoredState& state, runtime::Call& call);

void require_ids(const std::vector<int32_t>& ids, int64_t vocab);

}  // namespace rustml::generation
