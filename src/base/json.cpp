// cJSON builds the tree, and only that: it would cut strings at \u0000, turn 2^53+1 into a double, accept invalid UTF-8 and
// text after the value, and read numbers by the locale. So the scanner reads the text first, and keeps every string and number
// in the order of the text; the tree then takes its leaves from there.
#include "base/json.h"

#include <cjson/cJSON.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <new>
#include <set>
#include <utility>

#include "base/json_scanner.h"

namespace rustml::base {
namespace {

constexpr size_t kMaxTextBytes = size_t{4} << 20;
constexpr size_t kMaxNumberBytes = 63;  // cJSON's own limit

struct Leaves {
  std::vector<std::pair<std::string, size_t>> strings;  // keys and values, each with its offset
  std::vector<std::string_view> numbers;
};

Leaves scan(JsonScanner& scanner) {
  Leaves leaves;
  while (true) {
    switch (scanner.next()) {
      case JsonToken::end: return leaves;
      case JsonToken::key:
      case JsonToken::string: leaves.strings.emplace_back(scanner.string(), scanner.offset()); break;
      case JsonToken::number:
        if (scanner.number().size() > kMaxNumberBytes) scanner.fail_at(scanner.offset(), "a number of more than 63 characters");
        leaves.numbers.push_back(scanner.number());
        break;
      default: break;
    }
  }
}

class Builder {
 public:
  Builder(Leaves leaves, const JsonScanner& scanner, const char* text) : leaves_(std::move(leaves)), scanner_(scanner), text_(text) {}

  // Without recursion: 64 levels of it would take the host's stack.
  Json build(const cJSON* root) {
    Json result;
    std::vector<Open> open;
    read(root, result, open);
    while (!open.empty()) {
      Open& last = open.back();
      if (last.next == nullptr) {
        check_unique(*last.value, last.offsets);
        open.pop_back();
        continue;
      }
      const cJSON* child = std::exchange(last.next, last.next->next);
      Json* value;
      if (last.value->kind == Json::Kind::array) {
        value = &last.value->items.emplace_back();
      } else {
        auto& [key, offset] = leaves_.strings.at(next_string_++);
        last.offsets.push_back(offset);
        value = &last.value->members.emplace_back(Json::Member{std::move(key), {}}).second;
      }
      read(child, *value, open);
    }
    return result;
  }

 private:
  // An array or object whose children are still to come. Its own container gets no further one meanwhile, so `value` stays where it is.
  struct Open {
    Json* value;
    const cJSON* next;            // its next child; null: none
    std::vector<size_t> offsets;  // of an object's keys
  };

  // All of a leaf; an array or object goes to `open`.
  void read(const cJSON* node, Json& value, std::vector<Open>& open) {
    if (cJSON_IsBool(node)) {
      value.kind = Json::Kind::boolean;
      value.boolean = cJSON_IsTrue(node);
    } else if (cJSON_IsNumber(node)) {
      set_number(value, leaves_.numbers.at(next_number_++));
    } else if (cJSON_IsString(node)) {
      value.kind = Json::Kind::string;
      value.string = std::move(leaves_.strings.at(next_string_++).first);
    } else if (cJSON_IsArray(node) || cJSON_IsObject(node)) {
      value.kind = cJSON_IsArray(node) ? Json::Kind::array : Json::Kind::object;
      open.push_back({&value, node->child, {}});
    }
  }

  void set_number(Json& value, std::string_view digits) const {
    const char *begin = digits.data(), *end = begin + digits.size();
    if (digits.find_first_of(".eE") == std::string_view::npos && std::from_chars(begin, end, value.integer).ec == std::errc()) {
      value.kind = Json::Kind::integer;
      value.number = static_cast<double>(value.integer);
      return;
    }
    value.kind = Json::Kind::number;
    if (std::from_chars(begin, end, value.number).ec != std::errc())
      scanner_.fail_at(static_cast<size_t>(begin - text_), "a number outside the range of a double");
  }

  void check_unique(const Json& object, const std::vector<size_t>& offsets) const {
    std::set<std::string_view> keys;
    for (size_t i = 0; i < offsets.size(); ++i) {
      const std::string& key = object.members[i].first;
      if (!keys.insert(key).second) scanner_.fail_at(offsets[i], "the key " + quoted(key) + " occurs twice");
    }
  }

  Leaves leaves_;
  const JsonScanner& scanner_;
  const char* text_;
  size_t next_string_ = 0, next_number_ = 0;
};

}  // namespace

const Json* Json::find(std::string_view key) const noexcept {
  const auto found = std::find_if(members.begin(), members.end(), [&](const Member& member) { return member.first == key; });
  return found == members.end() ? nullptr : &found->second;
}

Json parse_json(std::string_view text, std::string_view what, Status fault) {
  if (text.size() > kMaxTextBytes)
    fail(fault, std::string(what) + ": the JSON text has " + std::to_string(text.size()) + " bytes; at most " +
                    std::to_string(kMaxTextBytes) + " are read");
  JsonScanner scanner(text, what, fault, fault);
  Leaves leaves = scan(scanner);
  // Where the locale's decimal point is not one byte, or another thread changes it meanwhile, cJSON would not get past "1.5".
  std::string zeros(text);
  for (const std::string_view number : leaves.numbers) std::fill_n(zeros.begin() + (number.data() - text.data()), number.size(), '0');
  Builder builder(std::move(leaves), scanner, text.data());
  // The scanner has accepted the text, so only memory can be missing here.
  const std::unique_ptr<cJSON, void (*)(cJSON*)> tree(cJSON_ParseWithLength(zeros.data(), zeros.size()), cJSON_Delete);
  if (tree == nullptr) throw std::bad_alloc();
  return builder.build(tree.get());
}

}  // namespace rustml::base
