// From the tokens of a template to its tree; the grammar is Jinja 3.1's.
#pragma once
#include <string_view>

#include "chat/template_ast.h"

namespace rustml::chat {

// Errors name line and construct: unimplemented for what is not supported and for what Jinja refuses too.
Body parse_template(std::string_view source);

}  // namespace rustml::chat
