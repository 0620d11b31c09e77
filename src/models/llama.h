// Llama (Touvron et al. 2023): RMSNorm, rotary grouped-query attention, SiLU-gated feed-forward network.
#pragma once
#include <memory>

#include "models/model.h"

namespace rustml::models {

std::unique_ptr<Model> bind_llama(WeightBinder& weights, const Config& config);

}  // namespace rustml::models
