#!/usr/bin/env python3
"""Writes dequantize_reference.bin: random blocks of every tensor type and the float32 values that the PyPI package `gguf`
(gguf.quants.dequantize, made with 0.19.0 or whatever is printed) gives for them.

    python3 make_reference.py [dequantize_reference.bin]

Layout, little-endian, per type: u32 ggml type, u32 values, u32 bytes, the blocks, the values as float32.
The scales (half-precision fields of the blocks) take extreme values: zeros of both signs, subnormals, the largest and
smallest normals, negative ones; no infinities and no NaN."""
import os
import struct
import sys
import zlib
from importlib.metadata import version

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize

# type: values per block, bytes per block, offsets of half-precision scales in a block, blocks
TYPES = {
    T.F32: (1, 4, None, 128),
    T.F16: (1, 2, [0], 256),
    T.BF16: (1, 2, None, 256),
    T.Q4_0: (32, 18, [0], 48),
    T.Q4_1: (32, 20, [0, 2], 48),
    T.Q5_0: (32, 22, [0], 48),
    T.Q5_1: (32, 24, [0, 2], 48),
    T.Q8_0: (32, 34, [0], 48),
    T.Q2_K: (256, 84, [80, 82], 16),
    T.Q3_K: (256, 110, [108], 16),
    T.Q4_K: (256, 144, [0, 2], 16),
    T.Q5_K: (256, 176, [0, 2], 16),
    T.Q6_K: (256, 210, [208], 16),
    T.IQ4_NL: (32, 18, [0], 48),
    T.IQ4_XS: (256, 136, [0], 16),
    T.IQ3_S: (256, 110, [0], 16),
    T.IQ3_XXS: (256, 98, [0], 16),
    T.IQ2_S: (256, 82, [0], 16),
    T.IQ2_XS: (256, 74, [0], 16),
    T.IQ2_XXS: (256, 66, [0], 16),
    T.IQ1_S: (256, 50, [0], 16),
    T.IQ1_M: (256, 56, [48], 16),
}
EXTREMES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x8400, 0x7BFF, 0xFBFF, 0x3C00, 0xBC00]

rng = np.random.default_rng(20240607)


def random_scale(i):
    if i < len(EXTREMES):
        return EXTREMES[i]
    return int(rng.integers(0, 0x7C00)) | int(rng.integers(0, 2)) << 15


def set_scale(kind, block, offset, bits):
    if kind != T.IQ1_M:
        block[offset : offset + 2] = np.frombuffer(struct.pack("<H", bits), np.uint8)
        return
    for i in range(4):  # a nibble, the top one, of each of four numbers of 16 bits
        high = block[offset + 2 * i + 1]
        block[offset + 2 * i + 1] = high & 15 | (bits >> 4 * i & 15) << 4


def every_code(kind, n_blocks=1024):
    """Blocks of the bytes of a generator that grid_blocks_test.cpp has too, all with the scale 1, and the CRC-32 of their values."""
    _, block_bytes, (offset,), _ = TYPES[kind]
    state, data = 1, np.zeros(n_blocks * block_bytes, np.uint8)
    for i in range(data.size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        data[i] = state >> 24
    blocks = data.reshape(n_blocks, block_bytes)
    for block in blocks:
        set_scale(kind, block, offset, 0x3C00)
    values = dequantize(blocks.reshape(1, -1), kind).astype("<f4")
    return zlib.crc32(values.tobytes())


def make_blocks(kind):
    _, block_bytes, scales, n_blocks = TYPES[kind]
    blocks = rng.integers(0, 256, (n_blocks, block_bytes), dtype=np.uint8)
    if kind == T.F32:
        return rng.standard_normal(n_blocks).astype("<f4").view(np.uint8).reshape(n_blocks, 4)
    if kind == T.BF16:
        blocks[:, 1] &= 0xBF  # no infinities, no NaN
        return blocks
    for k, offset in enumerate(scales):
        for i in range(n_blocks):
            set_scale(kind, blocks[i], offset, random_scale(i + 3 * k))
    return blocks


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "dequantize_reference.bin")
    with open(path, "wb") as out:
        for kind, (block_values, *_) in TYPES.items():
            blocks = make_blocks(kind)
            values = dequantize(blocks.reshape(1, -1), kind).astype("<f4").reshape(-1)
            assert values.size == blocks.shape[0] * block_values and np.isfinite(values).all(), kind
            out.write(struct.pack("<III", int(kind), values.size, blocks.size) + blocks.tobytes() + values.tobytes())
    for kind in TYPES:
        if kind.name.startswith(("IQ1", "IQ2", "IQ3")):
            print(f"{kind.name} {every_code(kind):#010x}")
    print(path, os.path.getsize(path), "bytes, gguf", version("gguf"), "numpy", np.__version__)


if __name__ == "__main__":
    main()
