// Jinja's filters (https://jinja.palletsprojects.com/en/stable/templates/#builtin-filters), with tojson as chat templates have it.
#pragma once
#include <string_view>

#include "chat/renderer.h"

namespace rustml::chat {

bool is_filter(std::string_view name) noexcept;
// The text with &, <, >, ' and " as HTML entities, which markup is made of.
Text escaped(const Text& text);
Value apply_filter(std::string_view name, const Value& subject, const Arguments& arguments, Renderer& renderer);

// &, <, >, ' and " as HTML's references, which keep the origin of what they stand for.
Text escaped(const Text& text);

}  // namespace rustml::chat
