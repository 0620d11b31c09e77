// JSON as a template sees it.
#pragma once
#include "base/json.h"
#include "chat/value.h"

namespace rustml::chat {

// Its texts come from the caller's data.
Value from_json(const base::Json& json);

}  // namespace rustml::chat
