// GGUF versions 2 and 3, little-endian, as one strict pass over header, metadata and tensor list:
//   "GGUF" u32 version, u64 tensors, u64 keys
//   keys x { string key, u32 type, value }                   string: u64 length, bytes
//   tensors x { string name, u32 n_dims, u64 dims[], u32 type, u64 offset }      dims: innermost first
//   zeros up to a multiple of the alignment, then the data section that the offsets count from
// Invariant: a ModelFile that is returned describes tensors that lie inside the file, aligned and without overlap, with
// unique names; holes between them and bytes after them are allowed. Work is O(n log n) and memory before the first
// tensor byte at most 4 x metadata + 16 MiB, whatever the file says.
// Source: the GGUF specification (ggml project).
#pragma once
#include "formats/model_file.h"

namespace rustml::formats {

// The published limits; a file beyond one of them is resource_exhausted.
namespace gguf_limits {
constexpr uint64_t kKeys = 65536, kTensors = 65536;
constexpr uint64_t kKeyBytes = 65535, kNameBytes = 63;
constexpr uint64_t kStringBytes = uint64_t{16} << 20;
constexpr uint64_t kArrayItems = uint64_t{16} << 20;
constexpr uint64_t kMinAlignment = 8, kMaxAlignment = 65536;
constexpr uint64_t kDimensions = 4, kDimension = uint64_t{1} << 40;
}  // namespace gguf_limits

// One file; whether it is a part of a split model is left to formats/gguf_split.h.
ModelFile read_gguf(std::unique_ptr<base::FileReader> reader, runtime::Call& call);

}  // namespace rustml::formats
