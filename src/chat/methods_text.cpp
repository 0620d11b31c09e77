#include <algorithm>
#include <iterator>

#include "chat/characters.h"
#include "chat/filters.h"
#include "chat/method_functions.h"
#include "chat/methods.h"
#include "chat/text_operations.h"

namespace rustml::chat {

using Kind = Value::Kind;

namespace {

constexpr size_t kNowhere = std::string_view::npos;

Value like(const Value& self, Text text) { return Value(std::move(text), self.is_markup()); }

// What is put into markup becomes markup.
Text inserted(const Value& self, const Value& value) {
  return self.is_markup() && !value.is_markup() ? escaped(value.as_text()) : value.as_text();
}

template <Case to>
Value changed_case(const Value& self, const Parameters&, Renderer& renderer) {
  renderer.count_bytes(self.as_text().size());
  return like(self, in_case(self.as_text(), to));
}

Value text_capitalize(const Value& self, const Parameters&, Renderer& renderer) {
  renderer.count_bytes(self.as_text().size());
  return like(self, capitalized(self.as_text(), Case::title));
}

// Each letter in a case that `case_for` chooses by the letter and by whether a letter with case is before it.
template <class CaseFor>
Value with_cases(const Value& self, Renderer& renderer, const CaseFor& case_for) {
  const Text& text = self.as_text();
  renderer.count_bytes(text.size());
  Text out;
  bool cased_before = false;
  for (size_t at = 0, n = 0; at < text.size(); at += n) {
    n = character_bytes(text.bytes(), at);
    const char32_t c = character_at(text.bytes(), at);
    out.append(in_case(text.part(at, at + n), case_for(c, cased_before)));
    cased_before = is_upper(c) || is_lower(c) || is_title(c);
  }
  return like(self, std::move(out));
}
Value text_title(const Value& self, const Parameters&, Renderer& renderer) {
  return with_cases(self, renderer, [](char32_t, bool before) { return before ? Case::lower : Case::title; });
}
Value text_swapcase(const Value& self, const Parameters&, Renderer& renderer) {
  return with_cases(self, renderer, [](char32_t c, bool) { return is_upper(c) ? Case::lower : Case::upper; });
}

template <bool left, bool right>
Value text_strip(const Value& self, const Parameters& given, Renderer& renderer) {
  const std::string* chars = given.has(0) ? &given.text(0).bytes() : nullptr;
  renderer.count_bytes(self.as_text().size());
  return like(self, stripped(self.as_text(), left, right, chars));
}

template <bool from_right>
Value text_split(const Value& self, const Parameters& given, Renderer& renderer) {
  const Text& text = self.as_text();
  const int64_t most = given.integer(1, kNoLimit);
  if (!given.has(0))
    return list_of_texts(from_right ? split_right_at_blanks(text, most, renderer) : split_at_blanks(text, most, renderer),
                         self.is_markup());
  const std::string& separator = given.text(0).bytes();
  if (separator.empty()) renderer.fail("empty separator");
  return list_of_texts(from_right ? split_right(text, separator, most, renderer) : split(text, separator, most, renderer),
                       self.is_markup());
}
Value text_splitlines(const Value& self, const Parameters& given, Renderer& renderer) {
  return list_of_texts(split_lines(self.as_text(), given.flag(0), renderer), self.is_markup());
}

template <bool last>
Value text_partition(const Value& self, const Parameters& given, Renderer& renderer) {
  const Text& text = self.as_text();
  const std::string& separator = given.text(0).bytes();
  if (separator.empty()) renderer.fail("empty separator");
  renderer.count_bytes(text.size());
  count_search(text.size(), separator.size(), renderer);
  const size_t at = last ? find_last_bytes(text.bytes(), separator, text.size()) : find_bytes(text.bytes(), separator);
  const auto part = [&](size_t begin, size_t end) { return like(self, text.part(begin, end)); };
  if (at == kNowhere) {
    const Value empty = like(self, {});
    return last ? Value::tuple({empty, empty, self}) : Value::tuple({self, empty, empty});
  }
  return Value::tuple({part(0, at), part(at, at + separator.size()), part(at + separator.size(), text.size())});
}

// Parameters 1 and 2 as a slice of the text, in bytes; end < begin: outside of it.
struct Range {
  size_t begin, end;
};
Range range_of(const Value& self, const Parameters& given, Renderer& renderer) {
  const std::string& bytes = self.as_text().bytes();
  count_reading(bytes.size(), renderer);
  if (!given.has(1) && !given.has(2)) return {0, bytes.size()};
  const auto n = static_cast<int64_t>(count_characters(bytes));
  const auto inside = [&](int64_t at) { return at < 0 ? std::max<int64_t>(at + n, 0) : at; };
  const int64_t begin = given.has(1) ? inside(given.integer(1)) : 0, end = std::min(given.has(2) ? inside(given.integer(2)) : n, n);
  if (begin > end) return {1, 0};
  return {byte_of_character(bytes, static_cast<size_t>(begin)), byte_of_character(bytes, static_cast<size_t>(end))};
}

// The characters before the match; -1: there is none.
template <bool last>
int64_t found_at(const Value& self, const Parameters& given, Renderer& renderer) {
  const std::string& bytes = self.as_text().bytes();
  const std::string& sought = given.text(0).bytes();
  const Range range = range_of(self, given, renderer);
  count_search(bytes.size(), sought.size(), renderer);
  if (range.end < range.begin) return -1;
  const std::string_view part = std::string_view(bytes).substr(range.begin, range.end - range.begin);
  const size_t at = last ? find_last_bytes(part, sought, part.size()) : find_bytes(part, sought);
  return at == kNowhere ? -1 : static_cast<int64_t>(count_characters(std::string_view(bytes).substr(0, range.begin + at)));
}
template <bool last>
Value text_find(const Value& self, const Parameters& given, Renderer& renderer) {
  return Value(found_at<last>(self, given, renderer));
}
template <bool last>
Value text_index(const Value& self, const Parameters& given, Renderer& renderer) {
  const int64_t at = found_at<last>(self, given, renderer);
  if (at < 0) renderer.fail("substring not found");
  return Value(at);
}

Value text_count(const Value& self, const Parameters& given, Renderer& renderer) {
  const std::string& sought = given.text(0).bytes();
  const Range range = range_of(self, given, renderer);
  count_search(self.as_text().size(), sought.size(), renderer);
  if (range.end < range.begin) return Value(int64_t{0});
  const std::string_view part = std::string_view(self.as_text().bytes()).substr(range.begin, range.end - range.begin);
  if (sought.empty()) return Value(static_cast<int64_t>(count_characters(part)) + 1);
  int64_t n = 0;
  for (size_t at = 0; (at = find_bytes(part, sought, at)) != kNowhere; at += sought.size()) ++n;
  return Value(n);
}

template <bool at_end>
Value text_begins(const Value& self, const Parameters& given, Renderer& renderer) {
  const Range range = range_of(self, given, renderer);
  const auto matches = [&](const Value& value) {
    if (!value.is(Kind::text))
      renderer.fail("tuple for " + std::string(at_end ? "endswith" : "startswith") + " must only contain str, not " +
                    std::string(type_name(value)));
    if (range.end < range.begin) return false;
    const std::string_view part = std::string_view(self.as_text().bytes()).substr(range.begin, range.end - range.begin);
    return at_end ? part.ends_with(value.as_text().bytes()) : part.starts_with(value.as_text().bytes());
  };
  if (given[0]->is_indexed() && given[0]->as_list().shape != ListShape::list) {
    renderer.count(given[0]->items().size());
    return Value(std::ranges::any_of(given[0]->items(), matches));
  }
  if (!given[0]->is(Kind::text))
    renderer.fail(std::string(at_end ? "endswith" : "startswith") + " first arg must be str or a tuple of str, not " +
                  std::string(type_name(*given[0])));
  return Value(matches(*given[0]));
}

Value text_replace(const Value& self, const Parameters& given, Renderer& renderer) {
  given.text(1);
  return like(self, replaced(self.as_text(), given.text(0).bytes(), inserted(self, *given[1]), given.integer(2, kNoLimit), renderer));
}

Value text_join(const Value& self, const Parameters& given, Renderer& renderer) {
  std::vector<Text> parts;
  for (const Value& item : renderer.iterate(*given[0])) {
    if (!item.is(Kind::text) && !self.is_markup())
      renderer.fail("sequence item " + std::to_string(parts.size()) + ": expected str instance, " + std::string(type_name(item)) +
                    " found");
    Text text = item.is(Kind::text) ? inserted(self, item) : escaped(renderer.text(item));
    renderer.count_bytes(text.size());
    parts.push_back(std::move(text));
  }
  return like(self, joined(self.as_text(), parts, renderer));
}

Value text_format(const Value& self, const Parameters& given, Renderer& renderer) {
  if (self.is_markup()) renderer.unsupported("the method 'format' of markup");
  return Value(brace_format(self.as_text(), given.all(), renderer));
}

// All characters are of that kind, and there are some.
template <bool (*is)(char32_t)>
Value text_all(const Value& self, const Parameters&, Renderer& renderer) {
  const std::string& bytes = self.as_text().bytes();
  renderer.count(bytes.size() / 8);
  for (size_t at = 0; at < bytes.size(); at += character_bytes(bytes, at))
    if (!is(character_at(bytes, at))) return Value(false);
  return Value(!bytes.empty());
}

// Digits that are no decimal ones: superscripts, circled ones and the like (Numeric_Type=Digit).
bool is_digit_of_any_kind(char32_t c) {
  constexpr std::pair<char32_t, char32_t> kOthers[] = {
      {0xB2, 0xB3},     {0xB9, 0xB9},     {0x1369, 0x1371},   {0x19DA, 0x19DA},   {0x2070, 0x2070},   {0x2074, 0x2079},  {0x2080, 0x2089},
      {0x2460, 0x2468}, {0x2474, 0x247C}, {0x2488, 0x2490},   {0x24EA, 0x24EA},   {0x24F5, 0x24FD},   {0x24FF, 0x24FF},  {0x2776, 0x277E},
      {0x2780, 0x2788}, {0x278A, 0x2792}, {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A}};
  return is_digit(c) || std::ranges::any_of(kOthers, [&](const auto& range) { return c >= range.first && c <= range.second; });
}
bool is_alphanumeric(char32_t c) { return is_alphabetic(c) || is_numeric(c); }
bool is_blank_character(char32_t c) { return is_space(c); }
bool is_letter(char32_t c) { return is_alphabetic(c); }
bool is_decimal(char32_t c) { return is_digit(c); }
bool is_number_character(char32_t c) { return is_numeric(c); }

Value text_isascii(const Value& self, const Parameters&, Renderer&) {
  return Value(std::ranges::all_of(self.as_text().bytes(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
}
template <bool (*other)(char32_t) noexcept, bool (*wanted)(char32_t) noexcept>
Value text_cased(const Value& self, const Parameters&, Renderer& renderer) {
  const std::string& bytes = self.as_text().bytes();
  renderer.count(bytes.size() / 8);
  bool some = false;
  for (size_t at = 0; at < bytes.size(); at += character_bytes(bytes, at)) {
    const char32_t c = character_at(bytes, at);
    if (other(c) || is_title(c)) return Value(false);
    some = some || wanted(c);
  }
  return Value(some);
}
Value text_istitle(const Value& self, const Parameters&, Renderer& renderer) {
  const std::string& bytes = self.as_text().bytes();
  renderer.count(bytes.size() / 8);
  bool some = false, before = false;
  for (size_t at = 0; at < bytes.size(); at += character_bytes(bytes, at)) {
    const char32_t c = character_at(bytes, at);
    const bool begins = is_upper(c) || is_title(c), follows = is_lower(c);
    if ((begins && before) || (follows && !before)) return Value(false);
    some = some || begins || follows;
    before = begins || follows;
  }
  return Value(some);
}

template <char align>
Value text_aligned(const Value& self, const Parameters& given, Renderer& renderer) {
  Text fill = Text::of_model(" ");
  if (given[1] != nullptr) {
    given.text(1);
    fill = inserted(self, *given[1]);
    if (count_characters(fill.bytes()) != 1) renderer.fail("The fill character must be exactly one character long");
  }
  return like(self, aligned(self.as_text(), given.integer(0), align, fill, renderer));
}
Value text_zfill(const Value& self, const Parameters& given, Renderer& renderer) {
  const Text& text = self.as_text();
  const int64_t missing = std::max<int64_t>(given.integer(0), 0) - static_cast<int64_t>(count_characters(text.bytes()));
  const bool sign = !text.empty() && (text.bytes()[0] == '+' || text.bytes()[0] == '-');
  Text out = text.part(0, sign ? 1 : 0);
  out.append(padded(text.part(sign ? 1 : 0, text.size()), missing, 0, Text::of_model("0"), renderer));
  return like(self, std::move(out));
}

Value text_removeprefix(const Value& self, const Parameters& given, Renderer& renderer) {
  const std::string& prefix = given.text(0).bytes();
  renderer.count_bytes(self.as_text().size());
  return self.as_text().bytes().starts_with(prefix) ? like(self, self.as_text().part(prefix.size(), self.as_text().size())) : self;
}
Value text_removesuffix(const Value& self, const Parameters& given, Renderer& renderer) {
  const std::string& suffix = given.text(0).bytes();
  renderer.count_bytes(self.as_text().size());
  return self.as_text().bytes().ends_with(suffix) ? like(self, self.as_text().part(0, self.as_text().size() - suffix.size())) : self;
}

Value text_expandtabs(const Value& self, const Parameters& given, Renderer& renderer) {
  const Text& text = self.as_text();
  const int64_t size = given.integer(0, 8);
  renderer.count_bytes(text.size());
  Text out;
  int64_t column = 0;
  for (size_t at = 0, n = 0; at < text.size(); at += n) {
    n = character_bytes(text.bytes(), at);
    const char c = text.bytes()[at];
    if (c == '\t') {
      if (size <= 0) continue;
      const int64_t blanks = size - column % size;
      out.append(padded({}, blanks, 0, Text::of_model(" "), renderer));
      column = 0;
      continue;
    }
    out.append(text, at, at + n);
    column = c == '\n' || c == '\r' ? 0 : (column + 1) % std::max<int64_t>(size, 1);
  }
  return like(self, std::move(out));
}

// All public ones of str, by name.
constexpr Method kTextMethods[] = {
    {"capitalize", text_capitalize, "/"},
    {"casefold", changed_case<Case::lower>, "/"},
    {"center", text_aligned<'^'>, "/ width fillchar?"},
    {"count", text_count, "/ sub start? end?"},
    {"encode", nullptr},
    {"endswith", text_begins<true>, "/ suffix start? end?"},
    {"expandtabs", text_expandtabs, "tabsize?"},
    {"find", text_find<false>, "/ sub start? end?"},
    {"format", text_format, "..."},
    {"format_map", nullptr},
    {"index", text_index<false>, "/ sub start? end?"},
    {"isalnum", text_all<is_alphanumeric>, "/"},
    {"isalpha", text_all<is_letter>, "/"},
    {"isascii", text_isascii, "/"},
    {"isdecimal", text_all<is_decimal>, "/"},
    {"isdigit", text_all<is_digit_of_any_kind>, "/"},
    {"isidentifier", nullptr},
    {"islower", text_cased<is_upper, is_lower>, "/"},
    {"isnumeric", text_all<is_number_character>, "/"},
    {"isprintable", nullptr},
    {"isspace", text_all<is_blank_character>, "/"},
    {"istitle", text_istitle, "/"},
    {"isupper", text_cased<is_lower, is_upper>, "/"},
    {"join", text_join, "/ iterable"},
    {"ljust", text_aligned<'<'>, "/ width fillchar?"},
    {"lower", changed_case<Case::lower>, "/"},
    {"lstrip", text_strip<true, false>, "/ chars?"},
    {"maketrans", nullptr},
    {"partition", text_partition<false>, "/ sep"},
    {"removeprefix", text_removeprefix, "/ prefix"},
    {"removesuffix", text_removesuffix, "/ suffix"},
    {"replace", text_replace, "/ old new count?"},
    {"rfind", text_find<true>, "/ sub start? end?"},
    {"rindex", text_index<true>, "/ sub start? end?"},
    {"rjust", text_aligned<'>'>, "/ width fillchar?"},
    {"rpartition", text_partition<true>, "/ sep"},
    {"rsplit", text_split<true>, "sep? maxsplit?"},
    {"rstrip", text_strip<false, true>, "/ chars?"},
    {"split", text_split<false>, "sep? maxsplit?"},
    {"splitlines", text_splitlines, "keepends?"},
    {"startswith", text_begins<false>, "/ prefix start? end?"},
    {"strip", text_strip<true, true>, "/ chars?"},
    {"swapcase", text_swapcase, "/"},
    {"title", text_title, "/"},
    {"translate", nullptr},
    {"upper", changed_case<Case::upper>, "/"},
    {"zfill", text_zfill, "/ width"},
};
static_assert(std::is_sorted(std::begin(kTextMethods), std::end(kTextMethods),
                             [](const Method& a, const Method& b) { return a.name < b.name; }));

}  // namespace

const Method* text_method(std::string_view name) noexcept {
  const Method* at = std::lower_bound(std::begin(kTextMethods), std::end(kTextMethods), name,
                                      [](const Method& method, std::string_view other) { return method.name < other; });
  return at != std::end(kTextMethods) && at->name == name ? at : nullptr;
}

}  // namespace rustml::chat
