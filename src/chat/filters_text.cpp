#include <algorithm>
#include <charconv>

#include "base/utf8.h"
#include "chat/characters.h"
#include "chat/filter_functions.h"
#include "chat/filters.h"
#include "chat/methods.h"
#include "chat/text_operations.h"

namespace rustml::chat {

using Kind = Value::Kind;

Text escaped(const Text& text) {
  Text out;
  const std::string& bytes = text.bytes();
  size_t done = 0;
  for (size_t at = 0; (at = bytes.find_first_of("&<>'\"", at)) != std::string::npos; done = ++at) {
    const char c = bytes[at];
    out.append(text, done, at);
    out.append(c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '\'' ? "&#39;" : "&#34;", text.origin(at));
  }
  out.append(text, done, bytes.size());
  return out;
}

namespace filters {
namespace {

Value escaped_value(const Value& subject, Renderer& renderer) {
  const Text text = renderer.text(subject);
  renderer.count_bytes(6 * text.size());
  return Value(escaped(text), true);
}

// str(value) of what is none; markup stays markup.
Value with_text(const Value& subject, Renderer& renderer, const auto& change) {
  const Text text = renderer.text(subject);
  renderer.count_bytes(text.size());
  return Value(change(text), subject.is_markup());
}

bool begins_word(char32_t c) { return c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || is_space(c); }

}  // namespace

Value upper(const Value& subject, const Parameters&, Renderer& renderer) {
  return with_text(subject, renderer, [](const Text& text) { return in_case(text, Case::upper); });
}
Value lower(const Value& subject, const Parameters&, Renderer& renderer) {
  return with_text(subject, renderer, [](const Text& text) { return in_case(text, Case::lower); });
}
Value capitalize(const Value& subject, const Parameters&, Renderer& renderer) {
  return with_text(subject, renderer, [](const Text& text) { return capitalized(text, Case::title); });
}

Value title(const Value& subject, const Parameters&, Renderer& renderer) {
  const Text text = renderer.text(subject);
  renderer.count_bytes(text.size());
  const std::string& bytes = text.bytes();
  Text out;
  for (size_t begin = 0, end; begin < bytes.size(); begin = end) {
    const bool between = begins_word(character_at(bytes, begin));
    for (end = begin; end < bytes.size() && begins_word(character_at(bytes, end)) == between;) end += character_bytes(bytes, end);
    out.append(capitalized(text.part(begin, end), Case::upper));
  }
  return Value(std::move(out));
}

Value trim(const Value& subject, const Parameters& given, Renderer& renderer) {
  const std::string* chars = given.has(0) ? &given.text(0).bytes() : nullptr;
  return with_text(subject, renderer, [&](const Text& text) { return stripped(text, true, true, chars); });
}

Value center(const Value& subject, const Parameters& given, Renderer& renderer) {
  const int64_t width = given.integer(0, 80);
  return with_text(subject, renderer, [&](const Text& text) { return aligned(text, width, '^', Text::of_model(" "), renderer); });
}

Value escape(const Value& subject, const Parameters&, Renderer& renderer) {
  return subject.is_markup() ? subject : escaped_value(subject, renderer);
}
Value force_escape(const Value& subject, const Parameters&, Renderer& renderer) { return escaped_value(subject, renderer); }
Value safe(const Value& subject, const Parameters&, Renderer& renderer) { return Value(renderer.text(subject), true); }
Value string(const Value& subject, const Parameters&, Renderer& renderer) {
  return subject.is(Kind::text) ? subject : Value(renderer.text(subject));
}

Value format(const Value& subject, const Parameters& given, Renderer& renderer) {
  const Arguments& all = given.all();
  if (!all.items.empty() && !all.named.empty()) renderer.fail("can't handle positional and keyword arguments at the same time");
  Pairs pairs;
  for (const auto& [name, value] : all.named) pairs.emplace_back(Value::of_model(name), value);
  const Value values = pairs.empty() ? Value::tuple(all.items) : Value::dict(std::move(pairs));
  const Text text = renderer.text(subject);
  return subject.is_markup() ? renderer.arithmetic("%", subject, values) : Value(percent_format(text, values, renderer));
}

Value replace(const Value& subject, const Parameters& given, Renderer& renderer) {
  const int64_t most = given.has(2) ? given.integer(2) : kNoLimit;
  return Value(replaced(renderer.text(subject), renderer.text(*given[0]).bytes(), renderer.text(*given[1]), most, renderer));
}

// Every line but the first moved right; with `first` that one, with `blank` those without text as well.
Value indent(const Value& subject, const Parameters& given, Renderer& renderer) {
  if (!subject.is(Kind::text))
    renderer.fail("indent: unsupported operand type(s) for +=: '" + std::string(type_name(subject)) + "' and 'str'");
  const bool by_text = given[0] != nullptr && given[0]->is(Kind::text);
  const Text by = by_text ? given.text(0) : padded({}, given.integer(0, 4), 0, Text::of_model(" "), renderer);
  Text text = subject.as_text();
  text.append("\n", Origin::model);
  const std::vector<Text> lines = split_lines(text, false, renderer);
  for (const Text& line : lines) renderer.count_bytes(line.size() + by.size() + 1);
  Text out;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.append("\n", Origin::model);
    if (i == 0 ? given.flag(1) : given.flag(2) || !lines[i].empty()) out.append(by);
    out.append(lines[i]);
  }
  return Value(std::move(out), subject.is_markup());
}

Value truncate(const Value& subject, const Parameters& given, Renderer& renderer) {
  const int64_t length = given.integer(0, 255), leeway = given.has(3) ? given.integer(3) : 5;
  const Text end = given[2] != nullptr ? given.text(2) : Text::of_model("...");
  const auto end_length = static_cast<int64_t>(count_characters(end.bytes()));
  if (length < end_length) renderer.fail("expected length >= " + std::to_string(end_length) + ", got " + std::to_string(length));
  if (leeway < 0) renderer.fail("expected leeway >= 0, got " + std::to_string(leeway));
  if (renderer.length(subject) <= static_cast<uint64_t>(length) + static_cast<uint64_t>(leeway)) return subject;
  if (!subject.is(Kind::text)) renderer.fail("truncate works on texts, not on " + std::string(type_name(subject)));
  const Text& text = subject.as_text();
  size_t cut = byte_of_character(text.bytes(), static_cast<size_t>(length - end_length));
  if (!given.flag(1)) cut = std::min(text.bytes().substr(0, cut).rfind(' '), cut);
  Text out = text.part(0, cut);
  out.append(subject.is_markup() ? escaped(end) : end);
  renderer.count_bytes(out.size());
  return Value(std::move(out), subject.is_markup());
}

Value word_count(const Value& subject, const Parameters&, Renderer& renderer) {
  const Text text = renderer.text(subject);
  const std::string& bytes = text.bytes();
  renderer.count(bytes.size() / 8);
  int64_t words = 0;
  bool inside = false;
  for (size_t at = 0; at < bytes.size(); at += character_bytes(bytes, at)) {
    const char32_t c = character_at(bytes, at);
    const bool part = c == '_' || is_alphabetic(c) || is_numeric(c);
    words += part && !inside;
    inside = part;
  }
  return Value(words);
}

namespace {

// Comments and tags taken away; what is not closed stays.
Text without_tags(const Text& text) {
  const std::string& bytes = text.bytes();
  Text out;
  size_t done = 0;
  for (size_t at; (at = bytes.find('<', done)) != std::string::npos;) {
    const bool comment = bytes.compare(at, 4, "<!--") == 0;
    const size_t end = comment ? bytes.find("-->", at + 4) : bytes.find('>', at);
    if (end == std::string::npos) break;
    out.append(text, done, at);
    done = end + (comment ? 3 : 1);
  }
  out.append(text, done, bytes.size());
  return out;
}

// The character that the reference at `at` stands for, which ends at `end`; nothing: it is none.
std::string referenced(std::string_view bytes, size_t at, size_t& end, Renderer& renderer) {
  constexpr std::pair<std::string_view, std::string_view> kNamed[] = {
      {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}};
  for (const auto& [name, character] : kNamed) {
    if (!bytes.substr(at).starts_with(name)) continue;
    end = at + name.size();
    return std::string(character);
  }
  const bool number = at + 2 < bytes.size() && bytes[at + 1] == '#';
  const bool hexadecimal = number && (bytes[at + 2] | 0x20) == 'x';
  uint32_t code = 0;
  const char* first = bytes.data() + at + (hexadecimal ? 3 : 2);
  if (number) {
    const auto [last, fault] = std::from_chars(first, bytes.data() + bytes.size(), code, hexadecimal ? 16 : 10);
    end = static_cast<size_t>(last - bytes.data());
    if (last != first &&
        (fault != std::errc() || code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF))
      renderer.unsupported("an HTML reference to a character that is none");
    if (last == first) return {};
    if (end < bytes.size() && bytes[end] == ';') ++end;
    std::string character;
    base::append_utf8(character, code);
    return character;
  }
  if (at + 1 < bytes.size() && is_alphabetic(character_at(bytes, at + 1)))
    renderer.unsupported("HTML's named references beyond the five of XML");
  return {};
}

}  // namespace

Value strip_tags(const Value& subject, const Parameters&, Renderer& renderer) {
  const Text plain = joined(Text::of_model(" "), split_at_blanks(without_tags(renderer.text(subject)), kNoLimit, renderer), renderer);
  const std::string& bytes = plain.bytes();
  Text out;
  size_t done = 0;
  for (size_t at = 0; (at = bytes.find('&', at)) != std::string::npos;) {
    size_t end = at + 1;
    const std::string character = referenced(bytes, at, end, renderer);
    if (!character.empty()) {
      out.append(plain, done, at);
      out.append(character, plain.origin(at));
      done = end;
    }
    at = end;
  }
  out.append(plain, done, bytes.size());
  return Value(std::move(out));
}

namespace {

void append_url(const Text& text, bool of_query, Text& out) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text.bytes()[i];
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        std::string_view("_.-~").find(c) != std::string_view::npos || (c == '/' && !of_query)) {
      out.append(text, i, i + 1);
    } else if (c == ' ' && of_query) {
      out.append("+", text.origin(i));
    } else {
      const char code[] = {'%', kDigits[byte >> 4], kDigits[byte & 15]};
      out.append(std::string_view(code, 3), text.origin(i));
    }
  }
}

}  // namespace

Value url_encode(const Value& subject, const Parameters&, Renderer& renderer) {
  Text out;
  const auto add = [&](const Value& value, bool of_query) {
    const Text text = renderer.text(value);
    renderer.count_bytes(3 * text.size());
    append_url(text, of_query, out);
  };
  if (!subject.is(Kind::dict) && !subject.is(Kind::list) && !subject.is(Kind::undefined)) {
    add(subject, false);
    return Value(std::move(out));
  }
  const auto add_pair = [&](const Value& key, const Value& value) {
    if (!out.empty()) out.append("&", Origin::model);
    add(key, true);
    out.append("=", Origin::model);
    add(value, true);
  };
  if (subject.is(Kind::dict)) {
    for (const auto& [key, value] : subject.pairs()) add_pair(key, value);
  } else {
    for (const Value& item : renderer.iterate(subject)) {
      const std::vector<Value> pair = renderer.iterate(item);
      if (pair.size() != 2) renderer.fail("urlencode: a pair has " + std::to_string(pair.size()) + " values instead of 2");
      add_pair(pair[0], pair[1]);
    }
  }
  return Value(std::move(out));
}

}  // namespace filters
}  // namespace rustml::chat
