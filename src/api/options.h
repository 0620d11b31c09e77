// The caller's option structs as the engine's. Checked here: what only the ABI has (flags, booleans,
// pointers, UTF-8, enumerations); ranges of values are the engine's business.
#pragma once
#include "boundary/structs.h"
#include "generation/beam_search.h"
#include "generation/options.h"
#include "rustml.h"

namespace rustml::api {

using namespace boundary;

tensor::DType to_tensor_type(const rustml_quantize_options* given);
generation::ModelOptions to_model_options(const rustml_model_options* given);
generation::SessionOptions to_session_options(const rustml_session_options* given);
bool adds_generation_prompt(const rustml_chat_options* given);
generation::Prompt to_prompt(const rustml_prompt* given);
generation::GenerationOptions to_generation_options(const rustml_generation_options& options);
generation::BeamOptions to_beam_options(const rustml_beam_options& options);

}  // namespace rustml::api
