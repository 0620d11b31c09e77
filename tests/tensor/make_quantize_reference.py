#!/usr/bin/env python3
"""Writes quantize_reference.bin: floats, and the blocks that the PyPI package `gguf` (gguf.quants.quantize, made with 0.19.0 or
whatever is printed) writes for them in every type it shares with tensor::quantize.

    python3 make_quantize_reference.py [quantize_reference.bin]

Layout, little-endian: u32 values, the values as float32; then per type: u32 ggml type, u32 bytes, the blocks."""
import os
import struct
import sys
from importlib.metadata import version

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.quants import quantize

rng = np.random.default_rng(20240608)


def make_values():
    blocks = rng.standard_normal((40, 32)) * np.exp2(rng.integers(-30, 14, (40, 1)))
    blocks[0] = 0
    blocks[1] = -0.0
    blocks[2] = 1.5  # d = 0 where there is a minimum
    blocks[3] = np.arange(32) - 15.5  # ties
    blocks[3, 0] = 127
    blocks[4] = np.where(np.arange(32) % 2, 3.0, -3.0)  # the largest magnitude twice: the first one counts
    blocks[5] = np.where(np.arange(32) % 2, -3.0, 3.0)
    blocks[6] = np.abs(blocks[6])
    blocks[7] = -np.abs(blocks[7])
    blocks[8] = np.linspace(-127, 127, 32).round() + 0.5
    blocks[9, :] = 0
    blocks[9, 17] = -2.0
    blocks[10] *= 1e-9 / np.abs(blocks[10]).max()  # d is 0 or subnormal as a half
    blocks[11] *= 6e6 / np.abs(blocks[11]).max()
    return blocks.astype("<f4")


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "quantize_reference.bin")
    values = make_values()
    with open(path, "wb") as out:
        out.write(struct.pack("<I", values.size) + values.tobytes())
        for kind in (T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0):
            with np.errstate(all="ignore"):
                blocks = np.ascontiguousarray(quantize(values, kind)).view(np.uint8)
            out.write(struct.pack("<II", int(kind), blocks.size) + blocks.tobytes())
    print(path, os.path.getsize(path), "bytes, gguf", version("gguf"), "numpy", np.__version__)


if __name__ == "__main__":
    main()
