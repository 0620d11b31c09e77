"""Files as the projects that own the formats write them, for directory_test.cpp and gguf_split_test.cpp:

  data/one      safetensors: every type that is supported, a scalar, an empty tensor, types that are not
  data/shards   huggingface_hub: an index with three shards
  data/parts    gguf: three parts of one model

Element i of a tensor is i % 64 / 4 - 3, which every type here holds exactly.
Run: /opt/ref/venv/bin/python tests/formats/make_samples.py    (safetensors 0.8, huggingface_hub 2.4, gguf 0.19)
"""

import json
import pathlib

import gguf
import numpy as np
import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import save_file

DATA = pathlib.Path(__file__).parent / "data"


def tensor(*shape, dtype=torch.float32):
    n = int(np.prod(shape))
    return (torch.arange(n) % 64 / 4 - 3).reshape(shape).to(dtype)


def folder(name):
    path = DATA / name
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps({"model_type": "none"}))
    return path


one = folder("one")
save_file({
    "f32": tensor(3, 4), "f16": tensor(2, 5, dtype=torch.float16), "bf16": tensor(7, dtype=torch.bfloat16),
    "scalar": tensor(1).reshape(()), "empty": tensor(0, 4), "f64": tensor(3, dtype=torch.float64),
    "h.0.attn.bias": torch.tril(torch.ones(4, 4, dtype=torch.bool)).reshape(1, 1, 4, 4), "i64": torch.arange(3),
    "f8": tensor(5).to(torch.float8_e4m3fn),
}, one / "model.safetensors", metadata={"format": "pt", "note": "\u00e9\"\\"})

save_torch_state_dict({f"layer.{i}.weight": tensor(8, i + 1) for i in range(6)}, folder("shards"), max_shard_size=300)

(DATA / "parts").mkdir(parents=True, exist_ok=True)
writer = gguf.GGUFWriter(DATA / "parts" / "m.gguf", "llama", split_max_tensors=2, small_first_shard=True)
writer.add_name("sample")
for i in range(4):
    writer.add_tensor(f"blk.{i}.weight", tensor(i + 1, 8).numpy())
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
