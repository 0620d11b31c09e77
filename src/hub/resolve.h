// From a model's id to a path: which files a model needs, whether the cache has them, fetching the others.
#pragma once
#include <string>

#include "hub/call.h"
#include "hub/names.h"
#include "hub/settings.h"

namespace rustml::hub {

std::string resolve(const ModelId& id, const Settings& settings, const Call& call);

}  // namespace rustml::hub
