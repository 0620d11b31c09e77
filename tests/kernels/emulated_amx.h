// Stands in for kernels/raw_amx-inl.h: the tile unit as Intel's Software Developer's Manual describes its instructions. What would
// raise an exception there ends the program here, with a line that says why.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace rustml::kernels::RUSTML_TARGET {
namespace {

constexpr int kTileRows = 16, kTileBytes = 64;
struct TileUnit {
  bool configured = false;
  struct {
    int rows = 0, bytes = 0;
    alignas(64) int8_t row[kTileRows][kTileBytes] = {};
  } tiles[8];
  int64_t products = 0;
};
thread_local TileUnit tile_unit;

void require(bool valid, const char* what) {
  if (valid) return;
  std::fprintf(stderr, "emulated AMX: %s\n", what);
  std::abort();
}
auto& configured_tile(int index) {
  require(tile_unit.configured, "the tiles are not configured");
  auto& tile = tile_unit.tiles[index];
  require(tile.rows > 0, "a tile is not configured");
  return tile;
}

// Byte 0 the palette, 1 the row to start from, 2 to 15 none, from 16 two bytes per tile: its bytes per row, from 48 its rows.
template <class Config>
void configure_tiles(const Config& config) {
  static_assert(sizeof config == 64);
  uint8_t bytes[64];
  __builtin_memcpy(bytes, &config, 64);
  require(bytes[0] == 1 && bytes[1] == 0, "ldtilecfg: palette 1 from row 0 is what is emulated");
  for (int i = 2; i < 16; ++i) require(bytes[i] == 0, "ldtilecfg: a reserved byte is set");
  for (int i = 8; i < 16; ++i)
    require(bytes[16 + 2 * i] == 0 && bytes[17 + 2 * i] == 0 && bytes[48 + i] == 0, "ldtilecfg: more than 8 tiles");
  for (int i = 0; i < 8; ++i) {
    auto& tile = tile_unit.tiles[i];
    tile = {};
    tile.rows = bytes[48 + i], tile.bytes = bytes[16 + 2 * i] + 256 * bytes[17 + 2 * i];
    require(tile.rows <= kTileRows && tile.bytes <= kTileBytes, "ldtilecfg: a tile is too large");
    require((tile.rows == 0) == (tile.bytes == 0), "ldtilecfg: a tile has rows without bytes, or bytes without rows");
  }
  tile_unit.configured = true;
}
void release_tiles() {
  for (auto& tile : tile_unit.tiles) tile = {};
  tile_unit.configured = false;
}

void load_tile(int index, const void* from, int64_t stride) {
  auto& tile = configured_tile(index);
  __builtin_memset(tile.row, 0, sizeof tile.row);
  for (int i = 0; i < tile.rows; ++i)
    __builtin_memcpy(tile.row[i], static_cast<const char*>(from) + i * stride, static_cast<size_t>(tile.bytes));
}
template <int a, int b>
void load_tiles(const void* from_a, int64_t stride_a, const void* from_b, int64_t stride_b) {
  load_tile(a, from_a, stride_a);
  load_tile(b, from_b, stride_b);
}

// tilezero, then tdpbssd.
template <int sums, int a, int b>
void multiply_tiles() {
  static_assert(sums != a && sums != b && a != b);
  auto &to = configured_tile(sums), &left = configured_tile(a), &right = configured_tile(b);
  require(to.bytes % 4 == 0 && left.bytes % 4 == 0 && right.bytes % 4 == 0, "tdpbssd: a row is not whole groups of 4 bytes");
  require(to.rows == left.rows && to.bytes == right.bytes && left.bytes / 4 == right.rows, "tdpbssd: the tiles' shapes do not match");
  __builtin_memset(to.row, 0, sizeof to.row);
  for (int m = 0; m < to.rows; ++m) {
    int32_t sum[kTileBytes / 4] = {};
    for (int k = 0; k < left.bytes / 4; ++k) {
      for (int n = 0; n < to.bytes; ++n) sum[n / 4] += left.row[m][4 * k + n % 4] * right.row[k][n];
    }
    __builtin_memcpy(to.row[m], sum, static_cast<size_t>(to.bytes));
  }
  ++tile_unit.products;
}

template <int index, class Rows>
void store_tile(Rows& to, int64_t stride) {
  const auto& tile = configured_tile(index);
  for (int i = 0; i < tile.rows; ++i)
    __builtin_memcpy(reinterpret_cast<char*>(&to) + i * stride, tile.row[i], static_cast<size_t>(tile.bytes));
}

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
