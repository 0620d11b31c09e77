// The part of JSON Schema that events.schema.json uses: $ref, oneOf, type, const, enum, minimum, required, properties,
// items. A keyword outside of it is a breach, so that the schema cannot grow past what is checked.
#pragma once
#include <string>

#include "base/json.h"

namespace rustml::cli_test {

// What `value` breaks in `schema`, a whole schema document; empty if nothing.
std::string schema_breach(const base::Json& schema, const base::Json& value);

}  // namespace rustml::cli_test
