#include "chat/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "chat/characters.h"

namespace rustml::chat {

using Kind = Value::Kind;

const Undefined& Value::as_undefined() const {
  static const Undefined& nameless = *new Undefined{"a value is undefined"};  // never destroyed, as nothing of ours is when a process ends
  const UndefinedRef& named = std::get<UndefinedRef>(data_);
  return named ? *named : nameless;
}

Value Value::undefined(std::string what) {
  Value value;
  value.data_ = std::make_shared<const Undefined>(Undefined{std::move(what)});
  return value;
}

namespace {

int depth_of(const Value& value) {
  if (value.is(Kind::function)) return depth_of(value.as_function().receiver);
  return value.is(Kind::list) ? value.as_list().depth : value.is(Kind::dict) ? value.as_dict().depth : 0;
}

int one_deeper(int depth) {
  if (depth >= kMaxValueDepth) base::fail(base::Status::resource_exhausted, "lists and dictionaries lie more than 128 deep in each other");
  return depth + 1;
}

uint64_t sum_of(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

std::shared_ptr<const ListObject> list_object(std::vector<Value> items, ListObject::Shape shape) {
  int depth = 0;
  uint64_t heavy = 1;
  for (const Value& item : items) {
    depth = std::max(depth, depth_of(item));
    heavy = sum_of(heavy, weight(item));
  }
  return std::make_shared<const ListObject>(ListObject{std::move(items), shape, one_deeper(depth), heavy});
}

}  // namespace

Value Value::of_shape(std::vector<Value> items, ListShape shape) {
  Value value;
  value.data_ = list_object(std::move(items), shape);
  return value;
}
Value Value::list(std::vector<Value> items) { return of_shape(std::move(items), ListShape::list); }
Value Value::tuple(std::vector<Value> items) { return of_shape(std::move(items), ListShape::tuple); }
Value Value::iterator(std::vector<Value> items) { return of_shape(std::move(items), ListShape::iterator); }
Value Value::dict(Pairs pairs) {
  int depth = 0;
  uint64_t heavy = 1;
  for (const auto& [key, item] : pairs) {
    depth = std::max({depth, depth_of(key), depth_of(item)});
    heavy = sum_of(heavy, sum_of(weight(key), weight(item)));
  }
  Value value;
  value.data_ = std::make_shared<const DictObject>(DictObject{std::move(pairs), one_deeper(depth), heavy});
  return value;
}
Value Value::function(Function function) {
  Value value;
  value.data_ = std::make_shared<const Function>(std::move(function));
  return value;
}

std::string_view type_name(const Value& value) {
  constexpr std::string_view kNames[] = {"Undefined", "NoneType", "bool", "int", "float", "str", "list", "dict", "Namespace", "function"};
  constexpr std::string_view kShapes[] = {"list", "tuple", "tuple", "generator", "dict_keys", "dict_values", "dict_items"};
  if (value.is(Kind::list)) return kShapes[static_cast<size_t>(value.as_list().shape)];
  return kNames[static_cast<size_t>(value.kind())];
}

uint64_t weight(const Value& value) {
  if (value.is(Kind::list)) return value.as_list().weight;
  if (value.is(Kind::dict)) return value.as_dict().weight;
  return value.is(Kind::text) ? 1 + value.as_text().size() / 256 : 1;
}

bool truth(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::none: return false;
    case Kind::boolean:
    case Kind::integer: return value.as_integer() != 0;
    case Kind::real: return value.as_real() != 0;
    case Kind::text: return !value.as_text().empty();
    case Kind::list: return value.is_iterator() || !value.items().empty();
    case Kind::dict: return !value.pairs().empty();
    default: return true;
  }
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number())
    return a.is(Kind::real) || b.is(Kind::real) ? a.as_real() == b.as_real() : a.as_integer() == b.as_integer();
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::undefined:
    case Kind::none: return true;
    case Kind::text: return a.as_text().bytes() == b.as_text().bytes();
    case Kind::list: {
      if (a.as_list().shape != b.as_list().shape || a.items().size() != b.items().size()) return false;
      for (size_t i = 0; i < a.items().size(); ++i)
        if (!equal(a.items()[i], b.items()[i])) return false;
      return true;
    }
    case Kind::dict: {
      if (a.pairs().size() != b.pairs().size()) return false;
      for (const auto& [key, item] : a.pairs()) {
        const Value* other = find(b, key);
        if (other == nullptr || !equal(item, *other)) return false;
      }
      return true;
    }
    case Kind::space: return &a.as_space() == &b.as_space();
    default: return &a.as_function() == &b.as_function();
  }
}

std::optional<int> compare(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is(Kind::real) || b.is(Kind::real)) return a.as_real() < b.as_real() ? -1 : a.as_real() > b.as_real() ? 1 : 0;
    return a.as_integer() < b.as_integer() ? -1 : a.as_integer() > b.as_integer() ? 1 : 0;
  }
  // UTF-8 sorts as its code points do.
  if (a.is(Kind::text) && b.is(Kind::text)) return a.as_text().bytes().compare(b.as_text().bytes());
  if (a.is_indexed() && b.is_indexed() && a.as_list().shape == b.as_list().shape) {
    for (size_t i = 0; i < a.items().size() && i < b.items().size(); ++i)
      if (!equal(a.items()[i], b.items()[i])) return compare(a.items()[i], b.items()[i]);
    return a.items().size() < b.items().size() ? -1 : a.items().size() > b.items().size() ? 1 : 0;
  }
  return std::nullopt;
}

const Value* find(const Value& dict, const Value& key) {
  for (const auto& [name, item] : dict.pairs())
    if (equal(name, key)) return &item;
  return nullptr;
}

const Value* find(const Value& dict, std::string_view key) {
  for (const auto& [name, item] : dict.pairs())
    if (name.is(Kind::text) && name.as_text().bytes() == key) return &item;
  return nullptr;
}

// Python writes the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on.
std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const double size = std::fabs(value);
  const bool exponent = size != 0 && (size < 1e-4 || size >= 1e16);
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, exponent ? std::chars_format::scientific : std::chars_format::fixed).ptr;
  std::string text(buffer, end);
  if (!exponent && text.find('.') == std::string::npos) text += ".0";
  return text;
}

namespace {

// As Python chooses quotes and escapes: single ones unless the text has them and no double ones.
void append_quoted(const Text& text, Text& out) {
  const std::string& bytes = text.bytes();
  const char quote = bytes.find('\'') != std::string::npos && bytes.find('"') == std::string::npos ? '"' : '\'';
  out.append(std::string_view(&quote, 1), Origin::model);
  for (size_t i = 0; i < bytes.size();) {
    const size_t n = character_bytes(bytes, i);
    const char32_t c = character_at(bytes, i);
    char escaped[12];
    int used = 0;
    if (c == static_cast<unsigned char>(quote) || c == '\\') {
      used = std::snprintf(escaped, sizeof escaped, "\\%c", static_cast<char>(c));
    } else if (c == '\n' || c == '\r' || c == '\t') {
      used = std::snprintf(escaped, sizeof escaped, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    } else if (!is_printable(c)) {
      used = std::snprintf(escaped, sizeof escaped, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", static_cast<unsigned>(c));
    }
    if (used > 0) {
      out.append(std::string_view(escaped, static_cast<size_t>(used)), text.origin(i));
    } else {
      out.append(text, i, i + n);
    }
    i += n;
  }
  out.append(std::string_view(&quote, 1), Origin::model);
}

void append_repr(const Value& value, Text& out);

void append_list(const Value& value, Text& out) {
  const ListObject& list = value.as_list();
  const bool tuple = list.shape == ListShape::tuple || list.shape == ListShape::group;
  const bool view = list.shape > ListShape::iterator;
  if (view) out.append(type_name(value), Origin::model);
  out.append(tuple ? "(" : view ? "([" : "[", Origin::model);
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) out.append(", ", Origin::model);
    append_repr(list.items[i], out);
  }
  if (tuple && list.items.size() == 1) out.append(",", Origin::model);
  out.append(tuple ? ")" : view ? "])" : "]", Origin::model);
}

void append_repr(const Value& value, Text& out) {
  switch (value.kind()) {
    case Kind::undefined: out.append("Undefined", Origin::model); break;
    case Kind::none: out.append("None", Origin::model); break;
    case Kind::boolean: out.append(value.as_boolean() ? "True" : "False", Origin::model); break;
    case Kind::integer: out.append(std::to_string(value.as_integer()), Origin::model); break;
    case Kind::real: out.append(real_text(value.as_real()), Origin::model); break;
    case Kind::text:
      if (value.is_markup()) out.append("Markup(", Origin::model);
      append_quoted(value.as_text(), out);
      if (value.is_markup()) out.append(")", Origin::model);
      break;
    case Kind::list: append_list(value, out); break;
    case Kind::dict: {
      out.append("{", Origin::model);
      bool first = true;
      for (const auto& [key, item] : value.pairs()) {
        if (!first) out.append(", ", Origin::model);
        first = false;
        append_repr(key, out);
        out.append(": ", Origin::model);
        append_repr(item, out);
      }
      out.append("}", Origin::model);
      break;
    }
    case Kind::space: out.append("<Namespace>", Origin::model); break;
    case Kind::function: out.append("<function " + value.as_function().name + ">", Origin::model); break;
  }
}

}  // namespace

Text to_repr(const Value& value) {
  Text out;
  append_repr(value, out);
  return out;
}

Text to_text(const Value& value) {
  if (value.is(Kind::text)) return value.as_text();
  if (value.is(Kind::undefined)) return {};
  return to_repr(value);
}

}  // namespace rustml::chat
