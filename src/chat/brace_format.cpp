#include <algorithm>

#include "chat/characters.h"
#include "chat/methods.h"
#include "chat/number_format.h"
#include "chat/text_operations.h"

namespace rustml::chat {
namespace {

using Kind = Value::Kind;

// "[[fill]align][sign][#][0][width][grouping][.precision][type]"
struct Specification {
  Text fill = Text::of_model(" ");
  char align = 0, sign = '-', grouping = 0, type = 0;
  bool prefixed = false;
  int64_t width = 0, precision = -1;
};

bool is_align(char c) { return c == '<' || c == '>' || c == '=' || c == '^'; }
bool is_plain_digit(char c) { return c >= '0' && c <= '9'; }

Specification read_specification(const Text& text, Renderer& renderer) {
  Specification out;
  const std::string& bytes = text.bytes();
  size_t at = 0;
  const auto peek = [&] { return at < bytes.size() ? bytes[at] : '\0'; };
  const auto number = [&] {
    int64_t value = 0;
    for (; is_plain_digit(peek()); ++at) {
      value = value * 10 + (peek() - '0');
      if (value > INT32_MAX) renderer.fail("Too many decimal digits in format string");
    }
    return value;
  };
  const size_t first = bytes.empty() ? 0 : character_bytes(bytes, 0);
  bool filled = false;
  if (first < bytes.size() && first > 0 && is_align(bytes[first])) {
    out.fill = text.part(0, first);
    out.align = bytes[first];
    at = first + 1;
    filled = true;
  } else if (is_align(peek())) {
    out.align = bytes[at++];
  }
  if (peek() == '+' || peek() == '-' || peek() == ' ') out.sign = bytes[at++];
  if (peek() == '#') {
    out.prefixed = true;
    ++at;
  }
  if (peek() == '0' && !filled) {
    out.fill = Text::of_model("0");
    if (out.align == 0) out.align = '=';
    ++at;
  }
  out.width = number();
  if (peek() == ',' || peek() == '_') out.grouping = bytes[at++];
  if (peek() == '.') {
    ++at;
    if (!is_plain_digit(peek())) renderer.fail("Format specifier missing precision");
    out.precision = number();
  }
  if (at < bytes.size()) out.type = bytes[at++];
  if (at < bytes.size()) renderer.fail("Invalid format specifier");
  return out;
}

std::string grouped(std::string digits, char mark) {
  const size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  for (size_t at = whole; at > 3;) digits.insert(at -= 3, 1, mark);
  return digits;
}

Text number_in(const Value& value, const Specification& s, Renderer& renderer) {
  const bool real = value.is(Kind::real);
  const std::string_view types = real ? "eEfFgG%" : "dxXobeEfFgG%";
  char type = s.type;
  if (type == 0 && !real) type = 'd';
  if (type == 0 && s.precision >= 0) renderer.unsupported("a precision without a type in a format");
  if (type != 0 && types.find(type) == std::string_view::npos) {
    if (type == 'n' || type == 'c') renderer.unsupported("the type '" + std::string(1, type) + "' of a format");
    renderer.fail("Unknown format code '" + std::string(1, type) + "' for object of type '" + std::string(type_name(value)) + "'");
  }
  const bool whole = std::string_view("dxXob").find(type) != std::string_view::npos && type != 0;
  if (whole && s.precision >= 0) renderer.fail("Precision not allowed in integer format specifier");
  if ((s.grouping != 0 && (s.align == '=' || (whole && type != 'd'))) || (s.prefixed && !whole))
    renderer.unsupported("this combination in a format");
  NumberText parts;
  if (type == 0) {
    parts.digits = real_text(value.as_real());
    parts.negative = parts.digits.starts_with('-');
    if (parts.negative) parts.digits.erase(0, 1);
  } else if (type == '%') {
    parts = number_text(Value(value.as_real() * 100), {'f', s.precision}, renderer);
    parts.digits += '%';
  } else {
    parts = number_text(value, {type, s.precision, s.prefixed}, renderer);
  }
  if (s.grouping != 0) parts.digits = grouped(std::move(parts.digits), s.grouping);
  const std::string sign = (parts.negative ? "-" : s.sign == '-' ? "" : std::string(1, s.sign)) + parts.prefix;
  if (s.align != '=') return Text::of_model(sign + parts.digits);
  const int64_t missing = s.width - static_cast<int64_t>(sign.size() + parts.digits.size());
  Text out = Text::of_model(sign);
  out.append(padded(Text::of_model(parts.digits), missing, 0, s.fill, renderer));
  return out;
}

// format(value, specification).
Text formatted(const Value& value, const Text& specification, Renderer& renderer) {
  if (specification.empty()) return renderer.text(value);
  if (!value.is(Kind::text) && !value.is_number()) {
    if (value.is(Kind::undefined)) renderer.unsupported("a format specification for an undefined value");
    renderer.fail("unsupported format string passed to " + std::string(type_name(value)) + ".__format__");
  }
  Specification s = read_specification(specification, renderer);
  const bool number = !value.is(Kind::text);
  Text text;
  if (number) {
    text = number_in(value, s, renderer);
  } else {
    if (s.type != 0 && s.type != 's') renderer.fail("Unknown format code '" + std::string(1, s.type) + "' for object of type 'str'");
    if (s.align == '=' && s.fill.bytes() == "0") s.align = '<';
    if (s.align == '=' || s.sign != '-' || s.prefixed || s.grouping != 0)
      renderer.fail("this specification is not allowed in string format");
    text = value.as_text();
    if (s.precision >= 0) text = text.part(0, byte_of_character(text.bytes(), static_cast<size_t>(s.precision)));
  }
  const int64_t missing = s.width - static_cast<int64_t>(count_characters(text.bytes()));
  if (missing <= 0) return text;
  const char align = s.align != 0 ? s.align : number ? '>' : '<';
  const int64_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  return padded(text, left, missing - left, s.fill, renderer);
}

class BraceFormat {
 public:
  BraceFormat(const Arguments& arguments, Renderer& renderer) : arguments_(arguments), renderer_(renderer) {}

  Text run(const Text& format, int depth) {
    const std::string& bytes = format.bytes();
    renderer_.count_bytes(bytes.size());
    Text out;
    for (size_t at = 0; at < bytes.size();) {
      const size_t next = std::min(bytes.find_first_of("{}", at), bytes.size());
      out.append(format, at, next);
      if (next == bytes.size()) break;
      if (next + 1 < bytes.size() && bytes[next + 1] == bytes[next]) {
        out.append(format, next, next + 1);
        at = next + 2;
        continue;
      }
      if (bytes[next] == '}') renderer_.fail("Single '}' encountered in format string");
      size_t end = next + 1;
      for (int open = 1; open > 0; ++end) {
        if (end >= bytes.size())
          renderer_.fail(next + 1 == bytes.size() ? "Single '{' encountered in format string" : "expected '}' before end of string");
        open += bytes[end] == '{' ? 1 : bytes[end] == '}' ? -1 : 0;
      }
      out.append(field(format.part(next + 1, end - 1), depth));
      at = end;
    }
    return out;
  }

 private:
  // "name!conversion:specification"
  Text field(const Text& text, int depth) {
    renderer_.count();
    if (depth > 1) renderer_.fail("Max string recursion exceeded");
    const std::string& bytes = text.bytes();
    size_t end = 0;
    for (bool inside = false; end < bytes.size() && (inside || (bytes[end] != '!' && bytes[end] != ':')); ++end) {
      if (bytes[end] == '{') renderer_.fail("unexpected '{' in field name");
      inside = bytes[end] == '[' || (inside && bytes[end] != ']');
    }
    Value value = named(bytes.substr(0, end));
    if (end < bytes.size() && bytes[end] == '!') {
      if (end + 1 >= bytes.size()) renderer_.fail("end of string while looking for conversion specifier");
      const char conversion = bytes[end + 1];
      end += 2;
      if (end < bytes.size() && bytes[end] != ':') renderer_.fail("expected ':' after conversion specifier");
      if (conversion == 'a') renderer_.unsupported("the conversion 'a' of a format");
      if (conversion != 's' && conversion != 'r') renderer_.fail("Unknown conversion specifier " + std::string(1, conversion));
      Text shown = renderer_.text(value);  // counts it
      value = Value(conversion == 's' ? std::move(shown) : to_repr(value));
    }
    const Text specification = end < bytes.size() ? run(text.part(end + 1, text.size()), depth + 1) : Text();
    return formatted(value, specification, renderer_);
  }

  // "0", "name", "" with ".attribute" and "[item]" behind it.
  Value named(const std::string& path) {
    size_t at = std::min(path.find_first_of(".["), path.size());
    const std::string head = path.substr(0, at);
    Value value = argument(head);
    while (at < path.size()) {
      const bool item = path[at] == '[';
      const size_t begin = at + 1, end = item ? path.find(']', begin) : std::min(path.find_first_of(".[", begin), path.size());
      if (end == std::string::npos) renderer_.fail("Missing ']' in format string");
      const std::string key = path.substr(begin, end - begin);
      if (key.empty()) renderer_.fail("Empty attribute in format string");
      if (!item) {
        value = renderer_.attribute(value, key);
      } else {
        value = renderer_.item(value, is_index(key) ? Value(static_cast<int64_t>(std::stoll(key))) : Value::of_model(key));
      }
      if (value.is(Kind::undefined)) renderer_.fail(value.as_undefined().what);
      at = item ? end + 1 : end;
      if (item && at < path.size() && path[at] != '.' && path[at] != '[')
        renderer_.fail("Only '.' or '[' may follow ']' in format field specifier");
    }
    return value;
  }

  static bool is_index(const std::string& text) {
    return !text.empty() && text.size() < 10 && std::all_of(text.begin(), text.end(), is_plain_digit);
  }

  Value argument(const std::string& name) {
    if (!name.empty() && !is_index(name)) {
      for (const auto& [keyword, value] : arguments_.named)
        if (keyword == name) return value;
      renderer_.fail("'" + name + "'");
    }
    const Numbering wanted = name.empty() ? Numbering::automatic : Numbering::manual;
    if (numbering_ != Numbering::none && numbering_ != wanted)
      renderer_.fail("cannot switch between manual field specification and automatic field numbering");
    numbering_ = wanted;
    const auto i = name.empty() ? next_++ : static_cast<size_t>(std::stoll(name));
    if (i >= arguments_.items.size()) renderer_.fail("Replacement index " + std::to_string(i) + " out of range for positional args tuple");
    return arguments_.items[i];
  }

  enum class Numbering : uint8_t { none, automatic, manual };
  const Arguments& arguments_;
  Renderer& renderer_;
  Numbering numbering_ = Numbering::none;
  size_t next_ = 0;
};

}  // namespace

Text brace_format(const Text& format, const Arguments& arguments, Renderer& renderer) {
  return BraceFormat(arguments, renderer).run(format, 0);
}

}  // namespace rustml::chat
