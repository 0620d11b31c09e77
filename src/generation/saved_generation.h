// The generation that a snapshot carries, as sections 5 (options and prompt), 6 (where it goes back to) and 7 (later options) of
// snapshot.cpp.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
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

// Sections 5 and, empty where all options are of 1.0 or have their default, 7.
struct GenerationSections {
  std::vector<std::byte> generation, later_options;
};

struct EncodedGeneration : GenerationSections {
  std::vector<std::byte> back;         // section 6 without its cells, empty where section 5 says it all
  std::shared_ptr<const Tail> parted;  // whose cells end section 6
  bool back_critical = false;          // a reader that ignores section 6 would go on wrongly, not only back
  uint64_t back_bytes() const noexcept { return back.size() + (parted ? parted->cells.size() : 0); }
};
EncodedGeneration encode(const SavedGeneration& saved, const std::vector<int32_t>& tokens);

// What a restore has read before: of the session, already checked.
struct RestoredState {
  const std::vector<int32_t>& tokens;
  uint64_t n_evaluated, floor;
  const models::KvCache& cache;  // of the session as it is: its shape, type and capacity
  int64_t vocab;
};
// `back`: section 6, or null. data_loss: it cannot be; unimplemented: it has an option that this library does not know;
// out_of_range: it needs more context than there is.
SavedGeneration decode(const GenerationSections& sections, SectionStream* back, const RestoredState& state, runtime::Call& call);

void require_ids(const std::vector<int32_t>& ids, int64_t vocab);

}  // namespace rustml::generation
