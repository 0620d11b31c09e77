// JSON for small texts: messages, details, descriptions. Parsing is strict (one value, valid UTF-8, no duplicate keys, depth
// 64, 8 Mi nodes, at most 4 MiB): our scanner checks the text first, then cJSON builds the tree; integers are read from the text.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace rustml::base {

struct Json {
  struct Member;
  enum class Kind : uint8_t { null, boolean, integer, number, string, array, object };
  Kind kind = Kind::null;
  bool boolean = false;
  int64_t integer = 0;  // kind integer
  double number = 0;    // kinds integer and number
  std::string string;
  std::vector<Json> items;
  std::vector<Member> members;  // in file order
  const Json* find(std::string_view key) const noexcept;
};

struct Json::Member {
  std::string first;  // the key
  Json second;
};

// Faults are Errors: "<what>: <problem> at byte <offset>".
Json parse_json(std::string_view text, std::string_view what, Status fault = Status::invalid_argument);

}  // namespace rustml::base
