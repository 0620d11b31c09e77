#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "chat/characters.h"
#include "chat/methods.h"
#include "chat/number_format.h"
#include "chat/text_operations.h"

namespace rustml::chat {
namespace {

using Kind = Value::Kind;

struct Conversion {
  bool left = false, zeros = false, blank = false, plus = false, prefixed = false;
  int64_t width = 0, precision = -1;
  char type = 0;
};

class PercentFormat {
 public:
  PercentFormat(const Text& format, const Value& values, Renderer& renderer) : format_(format), values_(values), renderer_(renderer) {
    is_tuple_ = values.is_indexed() && values.as_list().shape != ListShape::list;
    is_mapping_ = values.is(Kind::dict) || values.is(Kind::undefined) || (values.is(Kind::list) && !is_tuple_);
  }

  Text run() {
    const std::string& bytes = format_.bytes();
    renderer_.count_bytes(bytes.size());
    size_t done = 0;
    while ((at_ = bytes.find('%', done)) != std::string::npos) {
      out_.append(format_, done, at_);
      const size_t begin = at_++;
      convert(begin);
      done = at_;
    }
    out_.append(format_, done, bytes.size());
    const bool left_over = is_tuple_ ? next_ < values_.items().size() : next_ == 0;
    if (left_over && !is_mapping_) renderer_.fail("not all arguments converted during string formatting");
    return std::move(out_);
  }

 private:
  char peek() const {
    if (at_ >= format_.size()) renderer_.fail("incomplete format");
    return format_.bytes()[at_];
  }

  const Value& next() {
    if (is_tuple_ ? next_ >= values_.items().size() : next_ > 0) renderer_.fail("not enough arguments for format string");
    ++next_;
    return is_tuple_ ? values_.items()[next_ - 1] : values_;
  }

  int64_t number(const char* what) {
    if (peek() == '*') {
      ++at_;
      const Value& value = next();
      if (!value.is(Kind::integer) && !value.is(Kind::boolean)) renderer_.fail("* wants int");
      return value.as_integer();
    }
    int64_t value = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      value = value * 10 + (peek() - '0');
      if (value > INT32_MAX) renderer_.fail(std::string(what) + " too big");
    }
    return value;
  }

  // `begin` is where the '%' is, at_ behind it.
  void convert(size_t begin) {
    renderer_.count();
    const Value* value = nullptr;
    Value entry;
    if (peek() == '(') {
      const size_t name = ++at_;
      for (int depth = 1; depth > 0; ++at_) depth += peek() == '(' ? 1 : peek() == ')' ? -1 : 0;
      if (!values_.is(Kind::dict)) renderer_.fail("format requires a mapping");
      const std::string key = format_.bytes().substr(name, at_ - 1 - name);
      const Value* found = find(values_, key);
      if (found == nullptr) renderer_.fail("'" + key + "'");
      entry = *found;
      value = &entry;
    }
    Conversion c;
    for (bool flags = true; flags;) {
      switch (peek()) {
        case '-': c.left = true; break;
        case '0': c.zeros = true; break;
        case ' ': c.blank = true; break;
        case '+': c.plus = true; break;
        case '#': c.prefixed = true; break;
        default: flags = false;
      }
      if (flags) ++at_;
    }
    c.width = number("width");
    if (c.width < 0) {
      c.left = true;
      c.width = -std::max<int64_t>(c.width, INT32_MIN);
    }
    if (peek() == '.') {
      ++at_;
      c.precision = std::max<int64_t>(number("precision"), 0);
    }
    if (peek() == 'h' || peek() == 'l' || peek() == 'L') ++at_;
    c.type = peek();
    ++at_;
    if (c.type == '%') return out_.append(format_, at_ - 1, at_);
    if (std::string_view("srdiuxXoeEfFgGc").find(c.type) == std::string_view::npos) {
      if (c.type == 'a') renderer_.unsupported("the conversion 'a' of a format");
      renderer_.fail("unsupported format character '" + std::string(1, c.type) + "' (0x" +
                     std::to_string(static_cast<unsigned char>(c.type)) + ") at index " + std::to_string(at_ - 1 - begin));
    }
    append(c, value != nullptr ? *value : next());
  }

  void append(const Conversion& c, const Value& value) {
    if (c.type == 's' || c.type == 'r') {
      Text text = c.type == 's' ? renderer_.text(value) : repr(value);
      if (c.precision >= 0) text = text.part(0, byte_of_character(text.bytes(), static_cast<size_t>(c.precision)));
      return fill(c, text);
    }
    if (c.type == 'c') return fill(c, character(value));
    if (value.is(Kind::undefined)) renderer_.fail(value.as_undefined().what);
    const bool hexadecimal = c.type == 'x' || c.type == 'X' || c.type == 'o';
    if (!value.is_number() || (hexadecimal && value.is(Kind::real)))
      renderer_.fail("%" + std::string(1, c.type) + " format: " + (hexadecimal ? "an integer is" : "a real number is") + " required, not " +
                     std::string(type_name(value)));
    append_number(c, value);
  }

  void append_number(const Conversion& c, const Value& value) {
    const bool decimal = c.type == 'd' || c.type == 'i' || c.type == 'u';
    if (c.prefixed && c.type != 'x' && c.type != 'X' && c.type != 'o' && !decimal)
      renderer_.unsupported("'#' before a number with a fraction");
    Value number = value;
    if (decimal && value.is(Kind::real)) {
      if (!(std::fabs(value.as_real()) < 0x1p63)) renderer_.unsupported("an integer of more than 64 bits");
      number = Value(static_cast<int64_t>(value.as_real()));
    }
    const NumberText parts = number_text(number, {decimal ? 'd' : c.type, c.precision, c.prefixed}, renderer_);
    std::string sign = parts.negative ? "-" : c.plus ? "+" : c.blank ? " " : "";
    sign += parts.prefix;
    if (!c.zeros || c.left) return fill(c, Text::of_model(sign + parts.digits));
    const int64_t missing = c.width - static_cast<int64_t>(sign.size() + parts.digits.size());
    out_.append(sign, Origin::model);
    out_.append(padded(Text::of_model(parts.digits), missing, 0, Text::of_model("0"), renderer_));
  }

  Text repr(const Value& value) {
    renderer_.text(value);  // counts it, and refuses what must not be shown
    return to_repr(value);
  }

  Text character(const Value& value) {
    if (value.is(Kind::text) && count_characters(value.as_text().bytes()) == 1) return value.as_text();
    if (!value.is(Kind::integer) && !value.is(Kind::boolean)) renderer_.fail("%c requires int or char");
    const int64_t code = value.as_integer();
    if (code < 0 || code > 0x10FFFF) renderer_.fail("%c arg not in range(0x110000)");
    if (code >= 0xD800 && code < 0xE000) renderer_.unsupported("half of a surrogate pair");
    std::string bytes;
    base::append_utf8(bytes, static_cast<uint32_t>(code));
    return Text::of_model(bytes);
  }

  void fill(const Conversion& c, const Text& text) {
    out_.append(aligned(text, c.width, c.left ? '<' : '>', Text::of_model(" "), renderer_));
  }

  const Text& format_;
  const Value& values_;
  Renderer& renderer_;
  bool is_tuple_, is_mapping_;
  size_t next_ = 0, at_ = 0;
  Text out_;
};

}  // namespace

Text percent_format(const Text& format, const Value& values, Renderer& renderer) { return PercentFormat(format, values, renderer).run(); }

}  // namespace rustml::chat
