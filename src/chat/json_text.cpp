#include <algorithm>
#include <cmath>
#include <cstdio>

#include "chat/characters.h"
#include "chat/methods.h"

namespace rustml::chat {
namespace {

using Kind = Value::Kind;

class JsonText {
 public:
  JsonText(const JsonStyle& style, Renderer& renderer) : style_(style), renderer_(renderer) {}

  void write(const Value& value, int depth) {
    renderer_.count();
    switch (value.kind()) {
      case Kind::text: return write_text(value.as_text());
      case Kind::list:
        if (value.is_indexed()) return write_list(value.items(), depth);
        break;
      case Kind::dict: return write_dict(value.pairs(), depth);
      case Kind::none:
      case Kind::boolean:
      case Kind::integer:
      case Kind::real: return add(word(value));
      default: break;
    }
    renderer_.fail("Object of type " + std::string(type_name(value)) + " is not JSON serializable");
  }

  Text take() { return std::move(out_); }

 private:
  void add(std::string_view text) {
    renderer_.count_bytes(text.size());
    out_.append(text, Origin::model);
  }

  static std::string word(const Value& value) {
    if (value.is(Kind::none)) return "null";
    if (value.is(Kind::boolean)) return value.as_boolean() ? "true" : "false";
    if (value.is(Kind::integer)) return std::to_string(value.as_integer());
    const double number = value.as_real();
    return std::isnan(number) ? "NaN" : std::isinf(number) ? (number < 0 ? "-Infinity" : "Infinity") : real_text(number);
  }

  void break_line(int depth) {
    if (!style_.indent) return;
    add("\n");
    for (int i = 0; i < depth; ++i) add(*style_.indent);
  }

  void write_list(const std::vector<Value>& items, int depth) {
    if (items.empty()) return add("[]");
    add("[");
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) add(style_.between);
      break_line(depth + 1);
      write(items[i], depth + 1);
    }
    break_line(depth);
    add("]");
  }

  void write_dict(const Pairs& pairs, int depth) {
    if (pairs.empty()) return add("{}");
    std::vector<const Pairs::value_type*> order;
    for (const auto& pair : pairs) order.push_back(&pair);
    if (style_.sorted)
      std::stable_sort(order.begin(), order.end(),
                       [&](const auto* a, const auto* b) { return renderer_.in_order("<", a->first, b->first); });
    add("{");
    for (size_t i = 0; i < order.size(); ++i) {
      if (i > 0) add(style_.between);
      break_line(depth + 1);
      write_key(order[i]->first);
      add(style_.behind_key);
      write(order[i]->second, depth + 1);
    }
    break_line(depth);
    add("}");
  }

  void write_key(const Value& key) {
    if (key.is(Kind::text)) return write_text(key.as_text());
    if (!key.is(Kind::none) && !key.is_number())
      renderer_.fail("keys must be str, int, float, bool or None, not " + std::string(type_name(key)));
    add("\"" + word(key) + "\"");
  }

  void write_text(const Text& text) {
    renderer_.count_bytes(text.size());
    add("\"");
    const std::string& bytes = text.bytes();
    size_t done = 0;
    for (size_t at = 0; at < bytes.size();) {
      const size_t n = character_bytes(bytes, at);
      const std::string escape = escape_of(character_at(bytes, at));
      if (!escape.empty()) {
        renderer_.count_bytes(escape.size());
        out_.append(text, done, at);
        out_.append(escape, text.origin(at));
        done = at + n;
      }
      at += n;
    }
    out_.append(text, done, bytes.size());
    add("\"");
  }

  std::string escape_of(char32_t c) const {
    switch (c) {
      case '"': return "\\\"";
      case '\\': return "\\\\";
      case '\n': return "\\n";
      case '\r': return "\\r";
      case '\t': return "\\t";
      case '\f': return "\\f";
      case '\b': return "\\b";
      default: break;
    }
    if (c >= 0x20 && (c < 0x7F || !style_.ascii)) return {};
    char text[16];
    if (c < 0x10000) {
      std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(c));
    } else {
      const unsigned rest = static_cast<unsigned>(c) - 0x10000;
      std::snprintf(text, sizeof text, "\\u%04x\\u%04x", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
    }
    return text;
  }

  const JsonStyle& style_;
  Renderer& renderer_;
  Text out_;
};

}  // namespace

Text to_json(const Value& value, const JsonStyle& style, Renderer& renderer) {
  JsonText text(style, renderer);
  text.write(value, 0);
  return text.take();
}

}  // namespace rustml::chat
