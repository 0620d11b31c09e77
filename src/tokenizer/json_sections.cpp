#include "tokenizer/json_sections.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/json_scanner.h"
#include "base/utf8.h"

namespace rustml::tokenizer {

using base::Json;

Json section(const JsonSections& sections, std::string_view name, const std::string& document) {
  const auto found = sections.find(name);
  return found == sections.end() ? Json{} : base::parse_json(found->second, document + ": " + std::string(name));
}

std::string one_character(const JsonFields& fields, const char* key) {
  std::string c = fields.text(key);
  if (c.empty() || static_cast<size_t>(base::utf8_length(static_cast<unsigned char>(c[0]))) != c.size())
    fields.fail(key, "is " + base::quoted(c) + "; it must be one character");
  return c;
}

size_t growth_limit(size_t bytes) noexcept { return std::min(16 * bytes + 64 * 1024, size_t{256} << 20); }

void require_growth(size_t bytes, size_t limit, const char* pipeline) {
  if (bytes > limit)
    base::fail(base::Status::resource_exhausted, std::string("tokenizer.json: ") + pipeline + " makes this text longer than " +
                                                     std::to_string(limit) + " bytes; encode it in parts");
}

std::vector<JsonFields> steps_of(const JsonFields& pipeline, const char* list) {
  constexpr size_t kMostSteps = 64;
  std::vector<JsonFields> steps, left{pipeline};  // left: to look at, the next one last
  while (!left.empty()) {
    const JsonFields step = std::move(left.back());
    left.pop_back();
    if (step.text("type") == "Sequence") {
      const std::vector<JsonFields> inner = step.objects(list);
      left.insert(left.end(), inner.rbegin(), inner.rend());
    } else if (steps.size() == kMostSteps) {
      base::fail(base::Status::resource_exhausted, pipeline.place(list) + ": more than " + std::to_string(kMostSteps) + " steps");
    } else {
      steps.push_back(step);
    }
  }
  return steps;
}

JsonSections json_sections(std::string_view text, const std::string& what, const std::vector<std::string>& wanted,
                           runtime::StopSignal& stop) {
  using base::JsonToken;
  struct Open {
    std::string name;  // of the member whose value is being read; empty: not wanted
    size_t begin = 0;
  };
  base::JsonScanner scanner(text, what);
  JsonSections sections;
  std::array<Open, 2> open;  // at depth 1 and at depth 2
  std::string outer;
  size_t n_tokens = 0, n_values = 0;
  for (JsonToken token; (token = scanner.next()) != JsonToken::end;) {
    if (++n_tokens % 65536 == 0) stop.check("model load");
    const bool closes = token == JsonToken::end_object || token == JsonToken::end_array;
    if (!closes && token != JsonToken::key && ++n_values == base::JsonScanner::kMaxValues) {
      base::fail(base::Status::resource_exhausted, what + ": over " + std::to_string(base::JsonScanner::kMaxValues) + " values");
    }
    if (n_tokens == 1 && token != JsonToken::begin_object) scanner.fail_at(0, "expected an object");
    const size_t depth = scanner.depth() + (closes ? 1 : 0);  // of the object that the key or the end belongs to
    if ((closes || token == JsonToken::key) && (depth == 1 || depth == 2)) {
      Open& member = open[depth - 1];
      if (!member.name.empty()) {  // its value ends before this
        std::string_view value = text.substr(member.begin, scanner.offset() - member.begin);
        value.remove_suffix(value.size() - 1 - value.find_last_not_of(", \n\r\t"));
        value.remove_prefix(value.find_first_not_of(" \n\r\t"));
        if (!sections.emplace(member.name, value).second) {
          scanner.fail_at(member.begin, "the key " + base::quoted(member.name) + " occurs twice");
        }
        member.name.clear();
      }
      if (token == JsonToken::key) {
        if (depth == 1) outer = scanner.string();
        const std::string name = depth == 1 ? outer : outer + "." + scanner.string();
        if (std::find(wanted.begin(), wanted.end(), name) != wanted.end()) {
          member = {name, scanner.offset() + scanner.number().size()};  // behind the key and its colon
        }
      }
    }
  }
  return sections;
}

}  // namespace rustml::tokenizer
