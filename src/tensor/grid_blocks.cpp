// A grid's member is the magnitudes of eight neighbouring values (IQ3: of four), digits of base 3 (8), the first value's lowest. Members
// ascend as numbers, so grids_generated.h has them as a set.
#include "tensor/grid_blocks.h"

#include <array>
#include <bit>
#include <cstring>

#include "tensor/grids_generated.h"

namespace rustml::tensor {
namespace {

// A digit in each byte.
template <class Member, size_t n, size_t words>
constexpr std::array<Member, n> grid_of(const uint64_t (&set)[words]) {
  constexpr uint32_t kBase = sizeof(Member) == 8 ? 3 : 8;
  std::array<Member, n> grid{};
  size_t found = 0;
  for (uint32_t i = 0; i < 64 * words; ++i) {
    if ((set[i / 64] >> i % 64 & 1) == 0) continue;
    uint32_t digits = i;
    for (size_t k = 0; k < sizeof(Member); ++k, digits /= kBase) grid[found] |= Member{digits % kBase} << 8 * k;
    ++found;
  }
  return grid;
}
constexpr auto kIQ3SGrid = grid_of<uint32_t, kIQ3SMembers>(kIQ3SSet);
constexpr auto kIQ3XXSGrid = grid_of<uint32_t, kIQ3XXSMembers>(kIQ3XXSSet);
constexpr auto kIQ2SGrid = grid_of<uint64_t, kIQ2SMembers>(kIQ2SSet);
constexpr auto kIQ2XSGrid = grid_of<uint64_t, kIQ2XSMembers>(kIQ2XSSet);
constexpr auto kIQ2XXSGrid = grid_of<uint64_t, kIQ2XXSMembers>(kIQ2XXSSet);
constexpr auto kIQ1Grid = grid_of<uint64_t, kIQ1SMembers>(kIQ1SSet);

// The low eight bits of `signs`, one in each byte.
uint64_t sign_bytes(uint32_t signs) {
  constexpr uint64_t kBytes = 0x0101010101010101, kBits = 0x8040201008040201;
  return (((signs & 0xff) * kBytes & kBits) + 0x7f * kBytes) >> 7 & kBytes;
}
// Of seven: the eighth makes their number even.
uint64_t even_sign_bytes(uint32_t signs) { return sign_bytes((signs & 127) | std::popcount(signs & 127) % 2 << 7); }

uint64_t iq3_members(uint32_t first, uint32_t second) { return first | uint64_t{second} << 32; }

void put(GridBlock& to, int eight, uint64_t numbers) { std::memcpy(to.numbers + 8 * eight, &numbers, 8); }

uint32_t number_at(const uint8_t bytes[4]) {
  uint32_t number;
  std::memcpy(&number, bytes, 4);
  return number;
}

int nibble(const uint8_t* bytes, int i) { return bytes[i / 2] >> i % 2 * 4 & 15; }

// Scale i of 8, for 32 values, or of 16.
void put_scale_of_32(GridBlock& to, int i, uint32_t scale) {
  to.scales[2 * i] = to.scales[2 * i + 1] = static_cast<uint8_t>(2 * scale + 1);
}
void put_scales_of_16(GridBlock& to, const uint8_t scales[8]) {
  for (int i = 0; i < 16; ++i) to.scales[i] = static_cast<uint8_t>(2 * nibble(scales, i) + 1);
}

}  // namespace

GridBlock read_grid_block(const BlockIQ3S& block) {
  GridBlock to;
  to.d = block.d;
  for (int i = 0; i < 8; ++i) put_scale_of_32(to, i, nibble(block.scales, i));
  for (int i = 0; i < 32; ++i) {
    const auto member = [&](int k) { return kIQ3SGrid[block.qs[k] | (block.qh[k / 8] >> k % 8 & 1) << 8]; };
    put(to, i, iq3_members(member(2 * i), member(2 * i + 1)) | sign_bytes(block.signs[i]) << 3);
  }
  return to;
}

GridBlock read_grid_block(const BlockIQ3XXS& block) {
  GridBlock to;
  to.d = block.d;
  for (int i = 0; i < 8; ++i) put_scale_of_32(to, i, number_at(block.scales_signs[i]) >> 28);
  for (int i = 0; i < 32; ++i) {
    const uint64_t members = iq3_members(kIQ3XXSGrid[block.qs[2 * i]], kIQ3XXSGrid[block.qs[2 * i + 1]]);
    put(to, i, members | even_sign_bytes(number_at(block.scales_signs[i / 4]) >> 7 * (i % 4)) << 3);
  }
  return to;
}

GridBlock read_grid_block(const BlockIQ2S& block) {
  GridBlock to;
  to.d = block.d;
  put_scales_of_16(to, block.scales);
  for (int i = 0; i < 32; ++i) {
    const int place = block.qs[i] | (block.qh[i / 4] >> 2 * (i % 4) & 3) << 8;
    put(to, i, kIQ2SGrid[place] | sign_bytes(block.signs[i]) << 2);
  }
  return to;
}

GridBlock read_grid_block(const BlockIQ2XS& block) {
  GridBlock to;
  to.d = block.d;
  put_scales_of_16(to, block.scales);
  for (int i = 0; i < 32; ++i) put(to, i, kIQ2XSGrid[block.qs[i] & 511] | even_sign_bytes(block.qs[i] >> 9) << 2);
  return to;
}

GridBlock read_grid_block(const BlockIQ2XXS& block) {
  GridBlock to;
  to.d = block.d;
  for (int i = 0; i < 8; ++i) put_scale_of_32(to, i, number_at(block.groups[i].scale_signs) >> 28);
  for (int i = 0; i < 32; ++i) {
    const auto& group = block.groups[i / 4];
    put(to, i, kIQ2XXSGrid[group.qs[i % 4]] | even_sign_bytes(number_at(group.scale_signs) >> 7 * (i % 4)) << 2);
  }
  return to;
}

// IQ1: the sign is that of an eighth, which is added to all eight values.

constexpr uint64_t kMinusAnEighth = 0x0404040404040404;

GridBlock read_grid_block(const BlockIQ1S& block) {
  GridBlock to;
  to.d = block.d;
  for (int i = 0; i < 8; ++i) put_scale_of_32(to, i, block.qh[i] >> 12 & 7);
  for (int i = 0; i < 32; ++i) {
    const int high = block.qh[i / 4], place = block.qs[i] | (high >> 3 * (i % 4) & 7) << 8;
    put(to, i, kIQ1Grid[place] | (high & 0x8000 ? kMinusAnEighth : 0));
  }
  return to;
}

GridBlock read_grid_block(const BlockIQ1M& block) {
  GridBlock to;
  int d = 0;
  for (int i = 0; i < 4; ++i) d |= block.scales[i] >> 12 << 4 * i;
  to.d = static_cast<uint16_t>(d);
  for (int i = 0; i < 16; ++i) to.scales[i] = static_cast<uint8_t>(2 * (block.scales[i / 4] >> 3 * (i % 4) & 7) + 1);
  for (int i = 0; i < 32; ++i) {
    const int high = nibble(block.qh, i);
    put(to, i, kIQ1Grid[block.qs[i] | (high & 7) << 8] | (high & 8 ? kMinusAnEighth : 0));
  }
  return to;
}

}  // namespace rustml::tensor
