// Methods of texts, lists and dictionaries, as Python has them, without those that change their object.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "chat/renderer.h"

namespace rustml::chat {

// Whether Python's type of `receiver` has such an attribute; `changes` says whether it would change the object, which templates may not.
bool has_method(const Value& receiver, std::string_view name, bool& changes) noexcept;
Value call_method(const Value& receiver, std::string_view name, const Arguments& arguments, Renderer& renderer);

// JSON as Python's json.dumps(value, …) writes it.
struct JsonStyle {
  std::optional<std::string> indent;  // of one level; without it, all is on one line
  bool ascii = false, sorted = false;
  std::string between = ", ", behind_key = ": ";
};
Text to_json(const Value& value, const JsonStyle& style, Renderer& renderer);

// "%s and %d" % values, and "{} and {0}".format(…).
Text percent_format(const Text& format, const Value& values, Renderer& renderer);
Text brace_format(const Text& format, const Arguments& arguments, Renderer& renderer);
// time.strftime with English names; seconds since 1970 in the system's time zone.
std::string format_time(std::string_view format, int64_t seconds);

}  // namespace rustml::chat
