// How a model's positions turn: the rotary scaling that files ask for, read from both formats and written as GGUF keys. Kinds, fields
// and their meaning are those of transformers' modeling_rope_utils; of GGUF keys llama.cpp's.
#pragma once
#include "models/config.h"

namespace rustml::models {

// Config's head_dim and context must be there. context becomes the most that the scaling is made for.
void read_gguf_scaling(const GgufKeys& keys, Config& config);
// The object `field` (rope_parameters), or where there is none rope_scaling beside it.
ops::RopeScaling read_json_scaling(const base::JsonFields& json, const char* field, const Config& config);
void use_scaling(ops::RopeScaling scaling, Config& config);

// unimplemented for what GGUF has no key for.
void write_gguf_scaling(const Config& config, const GgufKeyWriter& keys);

}  // namespace rustml::models
