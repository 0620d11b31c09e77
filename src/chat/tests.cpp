#include "chat/tests.h"

#include <algorithm>
#include <iterator>

#include "chat/characters.h"
#include "chat/filters.h"
#include "chat/parameters.h"

namespace rustml::chat {

using Kind = Value::Kind;

namespace {

using TestFunction = bool(const Value& subject, const Parameters& given, Renderer& renderer);

// The rest of a division, as Python's % gives it.
bool leaves(const Value& subject, const Value& divisor, const Value& rest, Renderer& renderer) {
  return equal(renderer.arithmetic("%", subject, divisor), rest);
}

bool same(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::text: return a.as_text().bytes() == b.as_text().bytes() && (&a.as_text() == &b.as_text() || a.as_text().size() < 2);
    case Kind::list: return &a.as_list() == &b.as_list();
    case Kind::dict: return &a.as_dict() == &b.as_dict();
    case Kind::undefined: return &a.as_undefined() == &b.as_undefined();
    default: return equal(a, b);
  }
}

// All letters that have a case have that one, and there are some.
bool all_in_case(const Value& value, Case wanted, Renderer& renderer) {
  const Text text = renderer.text(value);
  const std::string& bytes = text.bytes();
  renderer.count(bytes.size() / 8);
  bool some = false;
  for (size_t at = 0; at < bytes.size(); at += character_bytes(bytes, at)) {
    const char32_t c = character_at(bytes, at);
    if (is_title(c) || (wanted == Case::lower ? is_upper(c) : is_lower(c))) return false;
    some = some || is_upper(c) || is_lower(c);
  }
  return some;
}

bool of_kind(const Value& value, Kind kind) { return value.is(kind); }

bool names(const Value& value, bool (*is)(std::string_view) noexcept, Renderer& renderer) {
  renderer.check_key(value);
  return value.is(Kind::text) && is(value.as_text().bytes());
}

bool sequence(const Value& value) {
  return value.is_indexed() || value.is(Kind::text) || value.is(Kind::dict) || value.is(Kind::undefined);
}

bool iterable(const Value& value) {
  return value.is(Kind::list) || value.is(Kind::text) || value.is(Kind::dict) || value.is(Kind::undefined) ||
         (value.is(Kind::function) && value.as_function().kind == Function::Kind::loop);
}

struct Test {
  std::string_view name;
  TestFunction* holds;
  std::string_view parameters;
};

#define TEST_OF(expression) \
  [](const Value& x, [[maybe_unused]] const Parameters& given, [[maybe_unused]] Renderer& renderer) -> bool { return expression; }

// By name.
constexpr Test kTests[] = {
    {"!=", TEST_OF(!renderer.equals(x, *given[0])), "other"},
    {"<", TEST_OF(renderer.in_order("<", x, *given[0])), "other"},
    {"<=", TEST_OF(renderer.in_order("<=", x, *given[0])), "other"},
    {"==", TEST_OF(renderer.equals(x, *given[0])), "other"},
    {">", TEST_OF(renderer.in_order(">", x, *given[0])), "other"},
    {">=", TEST_OF(renderer.in_order(">=", x, *given[0])), "other"},
    {"boolean", TEST_OF(of_kind(x, Kind::boolean)), ""},
    {"callable", TEST_OF(of_kind(x, Kind::function) || of_kind(x, Kind::undefined)), ""},
    {"defined", TEST_OF(!of_kind(x, Kind::undefined)), ""},
    {"divisibleby", TEST_OF(leaves(x, *given[0], Value(int64_t{0}), renderer)), "num"},
    {"eq", TEST_OF(renderer.equals(x, *given[0])), "other"},
    {"equalto", TEST_OF(renderer.equals(x, *given[0])), "other"},
    {"escaped", TEST_OF(x.is_markup()), ""},
    {"even", TEST_OF(leaves(x, Value(int64_t{2}), Value(int64_t{0}), renderer)), ""},
    {"false", TEST_OF(of_kind(x, Kind::boolean) && !x.as_boolean()), ""},
    {"filter", TEST_OF(names(x, is_filter, renderer)), ""},
    {"float", TEST_OF(of_kind(x, Kind::real)), ""},
    {"ge", TEST_OF(renderer.in_order(">=", x, *given[0])), "other"},
    {"greaterthan", TEST_OF(renderer.in_order(">", x, *given[0])), "other"},
    {"gt", TEST_OF(renderer.in_order(">", x, *given[0])), "other"},
    {"in", TEST_OF(renderer.contains(*given[0], x)), "seq"},
    {"integer", TEST_OF(of_kind(x, Kind::integer)), ""},
    {"iterable", TEST_OF(iterable(x)), ""},
    {"le", TEST_OF(renderer.in_order("<=", x, *given[0])), "other"},
    {"lessthan", TEST_OF(renderer.in_order("<", x, *given[0])), "other"},
    {"lower", TEST_OF(all_in_case(x, Case::lower, renderer)), ""},
    {"lt", TEST_OF(renderer.in_order("<", x, *given[0])), "other"},
    {"mapping", TEST_OF(of_kind(x, Kind::dict)), ""},
    {"ne", TEST_OF(!renderer.equals(x, *given[0])), "other"},
    {"none", TEST_OF(of_kind(x, Kind::none)), ""},
    {"number", TEST_OF(x.is_number()), ""},
    {"odd", TEST_OF(leaves(x, Value(int64_t{2}), Value(int64_t{1}), renderer)), ""},
    {"sameas", TEST_OF(same(x, *given[0])), "other"},
    {"sequence", TEST_OF(sequence(x)), ""},
    {"string", TEST_OF(of_kind(x, Kind::text)), ""},
    {"test", TEST_OF(names(x, is_test, renderer)), ""},
    {"true", TEST_OF(of_kind(x, Kind::boolean) && x.as_boolean()), ""},
    {"undefined", TEST_OF(of_kind(x, Kind::undefined)), ""},
    {"upper", TEST_OF(all_in_case(x, Case::upper, renderer)), ""},
};
#undef TEST_OF
static_assert(std::is_sorted(std::begin(kTests), std::end(kTests), [](const Test& a, const Test& b) { return a.name < b.name; }));

const Test* test_named(std::string_view name) noexcept {
  const Test* at = std::lower_bound(std::begin(kTests), std::end(kTests), name,
                                    [](const Test& test, std::string_view other) { return test.name < other; });
  return at != std::end(kTests) && at->name == name ? at : nullptr;
}

}  // namespace

bool is_test(std::string_view name) noexcept { return test_named(name) != nullptr; }

bool apply_test(std::string_view name, const Value& subject, const Arguments& arguments, Renderer& renderer) {
  const Test* test = test_named(name);
  if (test == nullptr) renderer.unsupported("test '" + std::string(name) + "'");
  renderer.count();
  const Signature signature{test->name, test->parameters};
  return test->holds(subject, Parameters(signature, arguments, renderer), renderer);
}

}  // namespace rustml::chat
