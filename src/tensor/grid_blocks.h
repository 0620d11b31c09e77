// The block types whose numbers are places in grids (block.h): IQ3_S to IQ1_M. All of them come to a scale for every 16 values and, for
// every value, a place in a short list of integers.
#pragma once
#include <cstdint>

#include "tensor/block.h"

namespace rustml::tensor {

struct GridBlock {  // w = d Block::kUnit scales[i / 16] Block::kValues[numbers[i]]
  uint16_t d;
  uint8_t scales[16];  // odd, below 32
  uint8_t numbers[256];
};

GridBlock read_grid_block(const BlockIQ3S& block);
GridBlock read_grid_block(const BlockIQ3XXS& block);
GridBlock read_grid_block(const BlockIQ2S& block);
GridBlock read_grid_block(const BlockIQ2XS& block);
GridBlock read_grid_block(const BlockIQ2XXS& block);
GridBlock read_grid_block(const BlockIQ1S& block);
GridBlock read_grid_block(const BlockIQ1M& block);

}  // namespace rustml::tensor
