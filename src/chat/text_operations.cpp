#include "chat/text_operations.h"

#include <algorithm>

#include "tokenizer/code_points.h"

namespace rustml::chat {
namespace {

constexpr size_t npos = std::string_view::npos;
constexpr size_t kBytesOfPiece = 128;  // what a text of its own takes besides its bytes
constexpr size_t kBytesOfStep = 256;

// Knuth, Morris and Pratt; `at(i)` and `wanted(i)` give bytes, so that it searches from either end. Where the match ends.
template <class At, class Wanted>
size_t end_of_match(size_t size, const At& at, size_t length, const Wanted& wanted) {
  std::vector<uint32_t> border(length);  // of the first i + 1 bytes: the longest end that is a begin
  for (size_t i = 1, k = 0; i < length; ++i) {
    while (k > 0 && wanted(i) != wanted(k)) k = border[k - 1];
    if (wanted(i) == wanted(k)) ++k;
    border[i] = static_cast<uint32_t>(k);
  }
  for (size_t i = 0, k = 0; i < size; ++i) {
    while (k > 0 && at(i) != wanted(k)) k = border[k - 1];
    if (at(i) == wanted(k)) ++k;
    if (k == length) return i + 1;
  }
  return npos;
}

constexpr size_t kShort = 16;  // the standard library's search takes at most this many times the text's bytes

// Python's str.splitlines; 0: no end of a line is here.
size_t bytes_of_line_end(std::string_view text, size_t at) {
  const char32_t c = character_at(text, at);
  if (c == '\r') return at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1;
  const bool ends = (c >= 0x0A && c <= 0x0C) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
  return ends ? character_bytes(text, at) : 0;
}

class Pieces {
 public:
  Pieces(const Text& text, Renderer& renderer) : text_(text), renderer_(renderer) { count_reading(text.size(), renderer); }
  void add(size_t begin, size_t end) {
    renderer_.count();
    renderer_.count_bytes(kBytesOfPiece + (end - begin));
    parts_.push_back(text_.part(begin, end));
  }
  bool may_split(int64_t most) const { return most < 0 || parts_.size() < static_cast<size_t>(most); }
  std::vector<Text> take() { return std::move(parts_); }
  std::vector<Text> take_reversed() {
    std::reverse(parts_.begin(), parts_.end());
    return std::move(parts_);
  }

 private:
  const Text& text_;
  Renderer& renderer_;
  std::vector<Text> parts_;
};

size_t blanks_before(std::string_view text, size_t end) {
  while (end > 0) {
    const size_t last = tokenizer::previous_character(text, end);
    if (!is_space(character_at(text, last))) break;
    end = last;
  }
  return end;
}

}  // namespace

void count_reading(size_t n, Renderer& renderer) { renderer.count(n / kBytesOfStep); }
void count_search(size_t n, size_t sought, Renderer& renderer) { renderer.count(n / (sought <= kShort ? 64 : 24)); }

size_t find_bytes(std::string_view text, std::string_view sought, size_t from) {
  if (from > text.size() || sought.size() > text.size() - from) return npos;
  if (sought.size() <= kShort) return text.find(sought, from);
  const std::string_view rest = text.substr(from);
  const auto end = end_of_match(
      rest.size(), [&](size_t i) { return rest[i]; }, sought.size(), [&](size_t i) { return sought[i]; });
  return end == npos ? npos : from + end - sought.size();
}

size_t find_last_bytes(std::string_view text, std::string_view sought, size_t end) {
  if (sought.size() > end) return npos;
  if (sought.size() <= kShort) return text.substr(0, end).rfind(sought);
  const auto from_behind = end_of_match(
      end, [&](size_t i) { return text[end - 1 - i]; }, sought.size(), [&](size_t i) { return sought[sought.size() - 1 - i]; });
  return from_behind == npos ? npos : end - from_behind;
}

Text replaced(const Text& text, std::string_view sought, const Text& by, int64_t most, Renderer& renderer) {
  const std::string& bytes = text.bytes();
  count_search(bytes.size(), sought.size(), renderer);
  std::vector<size_t> places;
  const auto more = [&] { return most < 0 || places.size() < static_cast<size_t>(most); };
  const auto add = [&](size_t place) {
    renderer.count();
    places.push_back(place);
  };
  if (sought.empty()) {  // before every character and at the end
    for (size_t at = 0; more(); at += character_bytes(bytes, at)) {
      add(at);
      if (at == bytes.size()) break;
    }
  } else {
    for (size_t at = 0; more() && (at = find_bytes(bytes, sought, at)) != npos; at += sought.size()) add(at);
  }
  for (uint64_t left = places.size(); left > 0; --left) renderer.count_bytes(by.size());  // no product that could overflow
  renderer.count_bytes(bytes.size());
  Text out;
  size_t done = 0;
  for (const size_t place : places) {
    out.append(text, done, place);
    out.append(by);
    done = place + sought.size();
  }
  out.append(text, done, bytes.size());
  return out;
}

std::vector<Text> split(const Text& text, std::string_view separator, int64_t most, Renderer& renderer) {
  Pieces pieces(text, renderer);
  count_search(text.size(), separator.size(), renderer);
  size_t done = 0;
  for (size_t at; pieces.may_split(most) && (at = find_bytes(text.bytes(), separator, done)) != npos; done = at + separator.size())
    pieces.add(done, at);
  pieces.add(done, text.size());
  return pieces.take();
}

std::vector<Text> split_right(const Text& text, std::string_view separator, int64_t most, Renderer& renderer) {
  Pieces pieces(text, renderer);
  count_search(text.size(), separator.size(), renderer);
  size_t end = text.size();
  for (size_t at; pieces.may_split(most) && (at = find_last_bytes(text.bytes(), separator, end)) != npos; end = at)
    pieces.add(at + separator.size(), end);
  pieces.add(0, end);
  return pieces.take_reversed();
}

std::vector<Text> split_at_blanks(const Text& text, int64_t most, Renderer& renderer) {
  Pieces pieces(text, renderer);
  const std::string& bytes = text.bytes();
  const auto skip = [&](size_t at, bool blanks) {
    while (at < bytes.size() && is_space(character_at(bytes, at)) == blanks) at += character_bytes(bytes, at);
    return at;
  };
  size_t at = skip(0, true);
  while (at < bytes.size() && pieces.may_split(most)) {
    const size_t end = skip(at, false);
    pieces.add(at, end);
    at = skip(end, true);
  }
  if (at < bytes.size()) pieces.add(at, bytes.size());
  return pieces.take();
}

std::vector<Text> split_right_at_blanks(const Text& text, int64_t most, Renderer& renderer) {
  Pieces pieces(text, renderer);
  const std::string& bytes = text.bytes();
  size_t end = blanks_before(bytes, bytes.size());
  while (end > 0 && pieces.may_split(most)) {
    size_t begin = end;
    while (begin > 0) {
      const size_t last = tokenizer::previous_character(bytes, begin);
      if (is_space(character_at(bytes, last))) break;
      begin = last;
    }
    pieces.add(begin, end);
    end = blanks_before(bytes, begin);
  }
  if (end > 0) pieces.add(0, end);
  return pieces.take_reversed();
}

std::vector<Text> split_lines(const Text& text, bool keep_ends, Renderer& renderer) {
  Pieces pieces(text, renderer);
  const std::string& bytes = text.bytes();
  size_t begin = 0;
  for (size_t at = 0; at < bytes.size();) {
    const size_t n = bytes_of_line_end(bytes, at);
    if (n == 0) {
      at += character_bytes(bytes, at);
      continue;
    }
    pieces.add(begin, keep_ends ? at + n : at);
    begin = at += n;
  }
  if (begin < bytes.size()) pieces.add(begin, bytes.size());
  return pieces.take();
}

Text joined(const Text& separator, const std::vector<Text>& parts, Renderer& renderer) {
  for (const Text& part : parts) {
    renderer.count();
    renderer.count_bytes(part.size() + separator.size());
  }
  Text out;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out.append(separator);
    out.append(parts[i]);
  }
  return out;
}

Text padded(const Text& text, int64_t left, int64_t right, const Text& fill, Renderer& renderer) {
  const auto times = static_cast<uint64_t>(std::max<int64_t>(left, 0)) + static_cast<uint64_t>(std::max<int64_t>(right, 0));
  renderer.count_bytes(times);  // refuses what the product below could overflow with
  renderer.count_bytes(text.size() + times * fill.size());
  Text out;
  for (int64_t i = 0; i < left; ++i) out.append(fill);
  out.append(text);
  for (int64_t i = 0; i < right; ++i) out.append(fill);
  return out;
}

Text aligned(const Text& text, int64_t width, char align, const Text& fill, Renderer& renderer) {
  const auto size = static_cast<int64_t>(count_characters(text.bytes()));
  if (width <= size) return text;
  const int64_t all = width - size;
  const int64_t left = align == '<' ? 0 : align == '>' ? all : all / 2 + (all & width & 1);
  return padded(text, left, all - left, fill, renderer);
}

Text capitalized(const Text& text, Case first) {
  if (text.empty()) return {};
  const size_t n = character_bytes(text.bytes(), 0);
  Text out = in_case(text.part(0, n), first);
  out.append(in_case(text.part(n, text.size()), Case::lower));
  return out;
}

Value list_of_texts(std::vector<Text> parts, bool markup) {
  std::vector<Value> items;
  items.reserve(parts.size());
  for (Text& part : parts) items.emplace_back(std::move(part), markup);
  return Value::list(std::move(items));
}

}  // namespace rustml::chat
