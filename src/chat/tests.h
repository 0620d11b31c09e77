// Jinja's tests (https://jinja.palletsprojects.com/en/stable/templates/#builtin-tests).
#pragma once
#include <string_view>

#include "chat/renderer.h"

namespace rustml::chat {

bool is_test(std::string_view name) noexcept;
bool apply_test(std::string_view name, const Value& subject, const Arguments& arguments, Renderer& renderer);

}  // namespace rustml::chat
