// What every parallel operation gets. Operations are called by all members of a step together; each does its share of the
// outputs, so a result never depends on how many there are. None ends with a barrier: the layer says where members meet.
#pragma once
#include <cstdint>

#include "kernels/kernels.h"
#include "runtime/profile.h"
#include "runtime/thread_team.h"
#include "tensor/dtype.h"

namespace rustml::ops {

// A packed weight matrix [rows, cols]: see kernels.h for the panels.
struct Matrix {
  tensor::DType packed = tensor::DType::f32;
  int64_t rows = 0, cols = 0;
  const std::byte* data = nullptr;
  const float* bias = nullptr;  // [rows] or null
  const char* label = "";       // for trace lines: "Q_proj"

  int64_t panels() const noexcept { return kernels::panel_count(rows); }
  int64_t panel_bytes() const noexcept { return kernels::panel_bytes(packed, cols); }
  int64_t bytes() const noexcept { return panels() * panel_bytes(); }
  bool quantized() const noexcept { return tensor::info(packed).block_elements > 1; }
};

// Inputs of a linear operation for n tokens: floats, and quantized per 32 values where a block-type matrix wants them.
struct Activations {
  float* f;            // [tokens][cols]
  int8_t* q;           // [tokens][cols]
  float* d;            // [tokens][cols / 32]
  int32_t* sum;        // [tokens][cols / 32]
  bool tiled = false;  // q, d and sum are in tiles of 16 tokens instead (kernels.h)
};
// For how many tokens q, d and sum of n need memory: whole tiles.
constexpr int64_t tiled_tokens(int64_t n) {
  return n == 1 ? 1 : (n + kernels::kActivationTile - 1) / kernels::kActivationTile * kernels::kActivationTile;
}

// One token is prepared by every member for itself, in its own memory: cheaper than a barrier.
struct Context {
  runtime::Member& member;
  const kernels::KernelTable& kernels;
  Activations chunk_rows;  // of all members
  Activations single_row;  // this member's
  std::byte* scratch;      // kernels::kScratchBytes, this member's
  runtime::ProfileLines& profile;
  bool profiling() const noexcept { return profile.level != runtime::ProfileLevel::off && member.leader(); }
  bool tracing() const noexcept { return profile.level == runtime::ProfileLevel::matmuls && member.leader(); }
};

}  // namespace rustml::ops
