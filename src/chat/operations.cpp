// What values can do: Python's operators, subscripts and attributes, with its faults.
#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "chat/characters.h"
#include "chat/filters.h"
#include "chat/methods.h"
#include "chat/text_operations.h"

namespace rustml::chat {

using Kind = Value::Kind;
using Shape = ListObject::Shape;

namespace {

std::string name_of(const Value& value) { return "'" + std::string(type_name(value)) + "'"; }

// As Jinja names an object in "… has no attribute".
std::string object_name(const Value& value) {
  return value.is(Kind::none) ? "None" : value.is(Kind::space) ? "Namespace object" : std::string(type_name(value)) + " object";
}

constexpr uint64_t kBytesOfCharacter = 64;  // where characters become texts of their own
constexpr uint64_t kMostKeyWeight = 64;     // of a tuple, which is compared with every key of the dictionary

// Where character n is, from the end if it is below 0; the text's size: there is none.
size_t place_of_character(std::string_view text, int64_t n) {
  if (n >= 0) return byte_of_character(text, static_cast<size_t>(n));
  for (size_t at = text.size(); at > 0;) {
    if ((static_cast<unsigned char>(text[--at]) & 0xC0) != 0x80 && ++n == 0) return at;
  }
  return text.size();
}

// What Python shows as an address; nullptr: nothing in the value.
const Value* without_text(const Value& value) {
  if (value.is_iterator() || value.is(Kind::function) || value.is(Kind::space)) return &value;
  if (value.is(Kind::list))
    for (const Value& item : value.items())
      if (const Value* found = without_text(item)) return found;
  if (value.is(Kind::dict))
    for (const auto& pair : value.pairs())
      if (const Value* found = without_text(pair.second)) return found;
  return nullptr;
}

// At least what to_text will take.
uint64_t shown_bytes(const Value& value) {
  if (value.is(Kind::text)) return value.as_text().size() + 2;
  uint64_t n = 2;
  if (value.is(Kind::list))
    for (const Value& item : value.items()) n += 2 + shown_bytes(item);
  if (value.is(Kind::dict))
    for (const auto& [key, item] : value.pairs()) n += 4 + shown_bytes(key) + shown_bytes(item);
  return n;
}

}  // namespace

Text Renderer::text(const Value& value) {
  if (!limits_.shows_lists && (value.is(Kind::list) || value.is(Kind::dict)))
    fail("a " + std::string(type_name(value)) + " is shown as text");
  if (value.is(Kind::list) || value.is(Kind::dict)) {
    count(weight(value));
    count_bytes(shown_bytes(value));
  }
  if (const Value* hidden = without_text(value)) unsupported("a " + std::string(type_name(*hidden)) + " shown as text");
  return to_text(value);
}

int64_t Renderer::integer(const Value& value, const char* what) {
  if (value.is(Kind::undefined)) fail(value.as_undefined().what);
  if (!value.is(Kind::integer) && !value.is(Kind::boolean))
    fail(std::string(what) + " must be an integer, not " + std::string(type_name(value)));
  return value.as_integer();
}

std::vector<Value> Renderer::iterate(const Value& value) {
  std::vector<Value> items;
  switch (value.kind()) {
    case Kind::undefined: return items;
    case Kind::list: {
      count(value.items().size());
      if (!value.is_iterator()) return value.items();
      const ListObject& list = value.as_list();
      items.assign(list.items.begin() + static_cast<ptrdiff_t>(list.taken), list.items.end());
      list.taken = list.items.size();
      return items;
    }
    case Kind::dict:
      count(value.pairs().size());
      for (const auto& [key, entry] : value.pairs()) items.push_back(key);
      return items;
    case Kind::text: {
      const Text& text = value.as_text();
      count(text.size());
      count_bytes(count_characters(text.bytes()) * kBytesOfCharacter);
      for (size_t at = 0; at < text.size();) {
        const size_t n = character_bytes(text.bytes(), at);
        items.emplace_back(text.part(at, at + n));
        at += n;
      }
      return items;
    }
    default: fail(name_of(value) + " object is not iterable");
  }
}

uint64_t Renderer::length(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined: return 0;
    case Kind::list:
      if (!value.is_iterator()) return value.items().size();
      break;
    case Kind::dict: return value.pairs().size();
    case Kind::text: count(value.as_text().size() / 256); return count_characters(value.as_text().bytes());
    default: break;
  }
  fail("object of type " + name_of(value) + " has no len()");
}

Value Renderer::attribute(const Value& value, const std::string& name) {
  const bool internal = name.starts_with("__");
  if (value.is(Kind::undefined) && !internal) fail(value.as_undefined().what);
  bool changes = false;
  if (has_method(value, name, changes)) {
    if (changes) return Value::undefined("access to attribute '" + name + "' of '" + std::string(type_name(value)) + "' object is unsafe.");
    return Value::function({Function::Kind::method, name, value, 0});
  }
  if (value.is(Kind::dict)) {
    count(value.pairs().size() / 16);
    if (const Value* found = find(value, name)) return *found;
  }
  if (value.is(Kind::list) && value.as_list().shape == Shape::group && (name == "grouper" || name == "list"))
    return value.items()[name == "list" ? 1 : 0];
  if (value.is(Kind::space)) {
    for (const auto& [known, entry] : value.as_space().attributes)
      if (known == name) return entry;
  }
  if (value.is(Kind::function)) {
    if (value.as_function().kind == Function::Kind::loop) return loop_attribute(value, name);
    if (value.as_function().kind == Function::Kind::macro && name == "name") return Value::of_model(value.as_function().name);
  }
  return Value::undefined(internal ? "access to attribute '" + name + "' of '" + std::string(type_name(value)) + "' object is unsafe."
                                   : "'" + object_name(value) + "' has no attribute '" + name + "'");
}

Value Renderer::item(const Value& value, const Value& key) {
  if (value.is(Kind::undefined)) fail(value.as_undefined().what);
  const bool list = key.is(Kind::list) && key.as_list().shape == Shape::list;
  if (value.is(Kind::dict) && !list && !key.is(Kind::dict)) {
    check_key(key);
    count(value.pairs().size() / 8);
    if (const Value* found = find(value, key)) return *found;
  }
  const bool index = key.is(Kind::integer) || key.is(Kind::boolean);
  if (index && value.is_indexed()) {
    const auto n = static_cast<int64_t>(value.items().size());
    const int64_t at = key.as_integer() < 0 ? key.as_integer() + n : key.as_integer();
    if (at >= 0 && at < n) return value.items()[static_cast<size_t>(at)];
  }
  if (index && value.is(Kind::text)) {
    const Text& text = value.as_text();
    const size_t begin = place_of_character(text.bytes(), key.as_integer());
    if (begin < text.size()) {
      count((key.as_integer() < 0 ? text.size() - begin : begin) / 64);
      return Value(text.part(begin, begin + character_bytes(text.bytes(), begin)), value.is_markup());
    }
    count(text.size() / 64);
  }
  if (key.is(Kind::text) && !value.is(Kind::dict)) return attribute(value, key.as_text().bytes());
  if (key.is(Kind::text)) {
    bool changes = false;
    if (has_method(value, key.as_text().bytes(), changes)) return attribute(value, key.as_text().bytes());
    return Value::undefined("'dict object' has no attribute '" + key.as_text().bytes() + "'");
  }
  return Value::undefined("'" + object_name(value) + "' has no element " + to_repr(key).bytes());
}

Value Renderer::path(const Value& value, const Value& path) {
  if (path.is(Kind::integer)) return item(value, path);
  const std::string names = text(path).bytes();
  Value at = value;
  for (size_t begin = 0; begin <= names.size();) {
    const size_t dot = std::min(names.find('.', begin), names.size());
    const std::string name = names.substr(begin, dot - begin);
    const bool index =
        !name.empty() && name.size() < 10 && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
    at = item(at, index ? Value(static_cast<int64_t>(std::stoll(name))) : Value::of_model(name));
    begin = dot + 1;
  }
  return at;
}

Value Renderer::call(const Value& callee, const Arguments& arguments) {
  if (callee.is(Kind::undefined)) fail(callee.as_undefined().what);
  if (!callee.is(Kind::function)) fail(name_of(callee) + " object is not callable");
  const Function& function = callee.as_function();
  switch (function.kind) {
    case Function::Kind::global: return call_global(function.name, arguments);
    case Function::Kind::method:
      if (function.receiver.is(Kind::function)) return call_loop(function, arguments);
      return call_method(function.receiver, function.name, arguments, *this);
    case Function::Kind::macro: return call_macro(function, arguments);
    default: return call_loop(function, arguments);
  }
}

bool Renderer::contains(const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::undefined: return false;
    case Kind::text:
      if (item.is(Kind::undefined)) fail(item.as_undefined().what);
      if (!item.is(Kind::text)) fail("'in <string>' requires string as left operand, not " + std::string(type_name(item)));
      count_search(container.as_text().size(), item.as_text().size(), *this);
      return find_bytes(container.as_text().bytes(), item.as_text().bytes()) != std::string_view::npos;
    case Kind::list:
      if (container.as_list().shape == Shape::keys) check_key(item);
      count(container.items().size() / 8);
      if (container.is_iterator()) {  // takes them up to that one
        const ListObject& list = container.as_list();
        while (list.taken < list.items.size())
          if (equals(list.items[list.taken++], item)) return true;
        return false;
      }
      return std::any_of(container.items().begin(), container.items().end(), [&](const Value& v) { return equals(v, item); });
    case Kind::dict:
      check_key(item);
      count(container.pairs().size() / 8);
      return find(container, item) != nullptr;
    default: fail("argument of type " + name_of(container) + " is not iterable");
  }
}

bool Renderer::equals(const Value& a, const Value& b) {
  count(std::min(weight(a), weight(b)) / 4);
  return equal(a, b);
}

void Renderer::check_key(const Value& key) {
  if (key.is(Kind::dict) || (key.is(Kind::list) && key.as_list().shape == Shape::list)) fail("unhashable type: " + name_of(key));
  if (!key.is(Kind::list)) return;
  if (weight(key) > kMostKeyWeight) fail(base::Status::resource_exhausted, "a tuple as a key has too many items");
  for (const Value& item : key.items()) check_key(item);
}

bool Renderer::in_order(std::string_view op, const Value& a, const Value& b) {
  count(std::min(weight(a), weight(b)) / 4);
  for (const Value* side : {&a, &b})
    if (side->is(Kind::undefined)) fail(side->as_undefined().what);
  if (a.is_number() && b.is_number() && (std::isnan(a.as_real()) || std::isnan(b.as_real()))) return false;
  const std::optional<int> order = compare(a, b);
  if (!order) fail("'" + std::string(op) + "' not supported between instances of " + name_of(a) + " and " + name_of(b));
  return op == "<" ? *order < 0 : op == "<=" ? *order <= 0 : op == ">" ? *order > 0 : *order >= 0;
}

Value Renderer::repeated(const Value& value, int64_t times) {
  const auto n = static_cast<uint64_t>(std::max<int64_t>(0, times));
  const uint64_t one = value.is(Kind::text) ? value.as_text().size() : value.items().size() * sizeof(Value);
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(n, one, &bytes)) bytes = UINT64_MAX;
  count_bytes(bytes);
  if (value.is(Kind::text)) {
    Text out;
    for (uint64_t i = 0; one > 0 && i < n; ++i) out.append(value.as_text());
    return Value(std::move(out), value.is_markup());
  }
  std::vector<Value> items;
  for (uint64_t i = 0; one > 0 && i < n; ++i) items.insert(items.end(), value.items().begin(), value.items().end());
  return value.as_list().shape == Shape::tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

// Of texts and of lists; nothing else but numbers can be added.
Value Renderer::sum(const Value& a, const Value& b) {
  if (a.is(Kind::text) && b.is(Kind::text)) {
    const bool markup = a.is_markup() || b.is_markup();  // then the other one is escaped
    Text out = markup && !a.is_markup() ? escaped(a.as_text()) : a.as_text();
    const Text behind = markup && !b.is_markup() ? escaped(b.as_text()) : b.as_text();
    count_bytes(out.size() + behind.size());
    out.append(behind);
    return Value(std::move(out), markup);
  }
  if (a.is_indexed() && b.is_indexed() && a.as_list().shape == b.as_list().shape) {
    count_bytes((a.items().size() + b.items().size()) * sizeof(Value));
    std::vector<Value> items = a.items();
    items.insert(items.end(), b.items().begin(), b.items().end());
    return a.as_list().shape == Shape::tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
  }
  if (a.is(Kind::text)) fail("can only concatenate str (not \"" + std::string(type_name(b)) + "\") to str");
  fail("unsupported operand type(s) for +: " + name_of(a) + " and " + name_of(b));
}

// What is put into markup: numbers as they are, all else as escaped text.
Value Renderer::markup_values(const Value& values) {
  const auto one = [&](const Value& value) {
    if (value.is_number() || value.is_markup()) return value;
    const Text shown = text(value);
    count_bytes(6 * shown.size());
    return Value(escaped(shown), true);
  };
  if (values.is(Kind::dict)) {
    Pairs pairs;
    for (const auto& [key, value] : values.pairs()) pairs.emplace_back(key, one(value));
    return Value::dict(std::move(pairs));
  }
  if (!values.is_indexed() || values.as_list().shape == Shape::list) return one(values);
  std::vector<Value> items;
  for (const Value& value : values.items()) items.push_back(one(value));
  return Value::tuple(std::move(items));
}

Value Renderer::arithmetic(std::string_view op, const Value& a, const Value& b) {
  for (const Value* side : {&a, &b})
    if (side->is(Kind::undefined) && !(op == "%" && a.is(Kind::text))) fail(side->as_undefined().what);
  if (a.is_number() && b.is_number()) return number(op, a, b);
  if (op == "+") return sum(a, b);
  const auto repeats = [](const Value& v) { return v.is(Kind::text) || v.is_indexed(); };
  if (op == "*" && repeats(a) && (b.is(Kind::integer) || b.is(Kind::boolean))) return repeated(a, b.as_integer());
  if (op == "*" && repeats(b) && (a.is(Kind::integer) || a.is(Kind::boolean))) return repeated(b, a.as_integer());
  if (op == "%" && a.is_markup()) return Value(percent_format(a.as_text(), markup_values(b), *this), true);
  if (op == "%" && a.is(Kind::text)) return Value(percent_format(a.as_text(), b, *this));
  fail("unsupported operand type(s) for " + std::string(op) + ": " + name_of(a) + " and " + name_of(b));
}

namespace {

// The quotient rounded down and the rest, which has the divisor's sign, as Python gets them: they are zeros with a sign, too.
struct Division {
  double quotient, rest;
};
Division divided(double a, double b) {
  double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest == 0) {
    rest = std::copysign(0.0, b);
  } else if ((rest < 0) != (b < 0)) {
    rest += b;
    quotient -= 1;
  }
  if (quotient == 0) return {std::copysign(0.0, a / b), rest};
  const double whole = std::floor(quotient);
  return {quotient - whole > 0.5 ? whole + 1 : whole, rest};
}

// nothing: it does not fit in 64 bits.
std::optional<int64_t> whole_power(int64_t base, int64_t exponent) {
  int64_t out = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(out, base, &out)) return std::nullopt;
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) return std::nullopt;
  }
  return out;
}

}  // namespace

double Renderer::real_power(double x, double y) const {
  const bool whole = std::floor(y) == y;
  if (x < 0 && !whole) unsupported("a fractional power of a negative number");
  if (y == 0 || x == 0) return y == 0 ? 1 : 0;
  const double size = base::power(std::fabs(x), y);
  if (!std::isfinite(size) && std::isfinite(x)) fail("(34, 'Numerical result out of range')");
  return x < 0 && std::fmod(y, 2) != 0 ? -size : size;
}

Value Renderer::number(std::string_view op, const Value& a, const Value& b) {
  const bool divides = op == "/" || op == "//" || op == "%";
  if (divides && b.as_real() == 0) fail(a.is(Kind::real) || b.is(Kind::real) ? "float division by zero" : "division by zero");
  if (op == "/") return Value(a.as_real() / b.as_real());
  if (a.is(Kind::real) || b.is(Kind::real) || (op == "**" && b.as_integer() < 0)) {
    const double x = a.as_real(), y = b.as_real();
    if (op == "**" && x == 0 && y < 0) fail("0.0 cannot be raised to a negative power");
    return Value(op == "+"    ? x + y
                 : op == "-"  ? x - y
                 : op == "*"  ? x * y
                 : op == "//" ? divided(x, y).quotient
                 : op == "%"  ? divided(x, y).rest
                              : real_power(x, y));
  }
  const int64_t x = a.as_integer(), y = b.as_integer();
  int64_t out = 0;
  bool fits = true;
  if (op == "+") {
    fits = !__builtin_add_overflow(x, y, &out);
  } else if (op == "-") {
    fits = !__builtin_sub_overflow(x, y, &out);
  } else if (op == "*") {
    fits = !__builtin_mul_overflow(x, y, &out);
  } else if (op == "**") {
    const std::optional<int64_t> power = whole_power(x, y);
    fits = power.has_value();
    out = power.value_or(0);
  } else if (y == -1) {
    fits = op == "%" || !__builtin_sub_overflow(int64_t{0}, x, &out);
  } else {
    const int64_t rest = x % y, moved = rest != 0 && (rest < 0) != (y < 0) ? 1 : 0;
    out = op == "//" ? x / y - moved : rest + moved * y;
  }
  if (!fits) unsupported("an integer of more than 64 bits");
  return Value(out);
}

}  // namespace rustml::chat
