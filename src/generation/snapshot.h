// A look at a snapshot without a session. Session writes and restores them (snapshot.cpp).
#pragma once
#include <cstdint>

#include "base/file_reader.h"
#include "kernels/kernels.h"

namespace rustml::generation {

struct SnapshotInfo {
  uint32_t format_version;
  uint64_t total_bytes, n_tokens, model_fingerprint_low, model_fingerprint_high;
  kernels::KvType kv_type;
  bool generation_open;
};

SnapshotInfo snapshot_probe(base::FileReader& source);

}  // namespace rustml::generation
