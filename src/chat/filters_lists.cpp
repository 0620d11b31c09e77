#include <algorithm>

#include "chat/characters.h"
#include "chat/filter_functions.h"
#include "chat/filters.h"
#include "chat/tests.h"
#include "chat/text_operations.h"

namespace rustml::chat::filters {

using Kind = Value::Kind;

namespace {

// Arguments from number `from` on, for the filter or test that one of them names.
Arguments arguments_from(const Arguments& all, size_t from) {
  Arguments rest;
  rest.items.assign(all.items.begin() + static_cast<ptrdiff_t>(std::min(from, all.items.size())), all.items.end());
  rest.named = all.named;
  return rest;
}

std::string name_in(const Value& value, const char* what, Renderer& renderer) {
  if (!value.is(Kind::text)) renderer.fail("No " + std::string(what) + " named " + to_repr(value).bytes() + ".");
  return value.as_text().bytes();
}

Value filtered(const Value& subject, const Arguments& all, bool by_attribute, bool wanted, Renderer& renderer) {
  if (!truth(subject)) return Value::iterator({});
  if (by_attribute && all.items.empty()) renderer.fail("Missing parameter for attribute name");
  const size_t at = by_attribute ? 1 : 0;
  const bool by_test = at < all.items.size();
  const std::string test = by_test ? name_in(all.items[at], "test", renderer) : "";
  if (by_test && !is_test(test)) renderer.fail("No test named '" + test + "'.");
  const Arguments rest = arguments_from(all, at + 1);
  std::vector<Value> kept;
  for (const Value& item : renderer.iterate(subject)) {
    renderer.count();
    const Value value = by_attribute ? value_at(item, all.items[0], nullptr, renderer) : item;
    if ((by_test ? apply_test(test, value, rest, renderer) : truth(value)) == wanted) kept.push_back(item);
  }
  return Value::iterator(std::move(kept));
}

std::vector<Value> reversed_items(const Value& subject, Renderer& renderer) {
  const std::vector<Value> items = renderer.iterate(subject);
  return {items.rbegin(), items.rend()};
}

}  // namespace

Value select(const Value& subject, const Parameters& given, Renderer& renderer) {
  return filtered(subject, given.all(), false, true, renderer);
}
Value reject(const Value& subject, const Parameters& given, Renderer& renderer) {
  return filtered(subject, given.all(), false, false, renderer);
}
Value select_by_attribute(const Value& subject, const Parameters& given, Renderer& renderer) {
  return filtered(subject, given.all(), true, true, renderer);
}
Value reject_by_attribute(const Value& subject, const Parameters& given, Renderer& renderer) {
  return filtered(subject, given.all(), true, false, renderer);
}

Value map(const Value& subject, const Parameters& given, Renderer& renderer) {
  if (!truth(subject)) return Value::iterator({});
  const Arguments& all = given.all();
  const Value *attribute = nullptr, *fallback = nullptr;
  std::vector<Value> out;
  if (all.items.empty()) {
    for (const auto& [name, value] : all.named) (name == "attribute" ? attribute : name == "default" ? fallback : attribute) = &value;
    if (all.named.size() > 2 || attribute == nullptr ||
        std::ranges::any_of(all.named, [](const auto& entry) { return entry.first != "attribute" && entry.first != "default"; }))
      renderer.fail("map requires a filter argument");
    for (const Value& item : renderer.iterate(subject)) out.push_back(value_at(item, *attribute, fallback, renderer));
    return Value::iterator(std::move(out));
  }
  const std::string filter = name_in(all.items[0], "filter", renderer);
  if (!is_filter(filter)) renderer.fail("No filter named '" + filter + "'.");
  const Arguments rest = arguments_from(all, 1);
  for (const Value& item : renderer.iterate(subject)) out.push_back(apply_filter(filter, item, rest, renderer));
  return Value::iterator(std::move(out));
}

Value length(const Value& subject, const Parameters&, Renderer& renderer) { return Value(static_cast<int64_t>(renderer.length(subject))); }

Value list(const Value& subject, const Parameters&, Renderer& renderer) {
  std::vector<Value> items = renderer.iterate(subject);
  renderer.count_bytes(items.size() * sizeof(Value));
  return Value::list(std::move(items));
}

Value first(const Value& subject, const Parameters&, Renderer& renderer) {
  if (subject.is(Kind::text) && !subject.as_text().empty()) return renderer.item(subject, Value(int64_t{0}));
  if (subject.is_iterator() && subject.as_list().taken < subject.items().size()) return subject.items()[subject.as_list().taken++];
  const std::vector<Value> items = renderer.iterate(subject);
  return items.empty() ? Value::undefined("No first item, sequence was empty.") : items.front();
}

Value last(const Value& subject, const Parameters&, Renderer& renderer) {
  if (subject.is(Kind::text) && !subject.as_text().empty()) return renderer.item(subject, Value(int64_t{-1}));
  if (subject.is_iterator()) renderer.fail("'generator' object is not reversible");
  const std::vector<Value> items = renderer.iterate(subject);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value reverse(const Value& subject, const Parameters&, Renderer& renderer) {
  if (!subject.is(Kind::text)) {
    std::vector<Value> items = reversed_items(subject, renderer);
    const bool of_generator = subject.is_iterator();
    return of_generator ? Value::list(std::move(items)) : Value::iterator(std::move(items));
  }
  const Text& text = subject.as_text();
  renderer.count_bytes(text.size());
  std::vector<size_t> begins;
  for (size_t at = 0; at < text.size(); at += character_bytes(text.bytes(), at)) begins.push_back(at);
  Text out;
  for (size_t i = begins.size(), end = text.size(); i > 0; end = begins[--i]) out.append(text, begins[i - 1], end);
  return Value(std::move(out), subject.is_markup());
}

Value items(const Value& subject, const Parameters&, Renderer& renderer) {
  if (subject.is(Kind::undefined)) return Value::iterator(renderer.iterate(subject));
  if (!subject.is(Kind::dict)) renderer.fail("Can only get item pairs from a mapping.");
  renderer.count(subject.pairs().size());
  std::vector<Value> out;
  for (const auto& [key, value] : subject.pairs()) out.push_back(Value::tuple({key, value}));
  return Value::iterator(std::move(out));
}

Value join(const Value& subject, const Parameters& given, Renderer& renderer) {
  std::vector<Text> parts;
  for (const Value& item : renderer.iterate(subject)) {
    parts.push_back(renderer.text(given.has(1) ? value_at(item, *given[1], nullptr, renderer) : item));
    renderer.count_bytes(parts.back().size());
  }
  return Value(joined(given[0] != nullptr ? renderer.text(*given[0]) : Text(), parts, renderer));
}

Value sum(const Value& subject, const Parameters& given, Renderer& renderer) {
  Value out = given.value(1, Value(int64_t{0}));
  const std::vector<Value> items = renderer.iterate(subject);
  if (out.is(Kind::text)) renderer.fail("sum() can't sum strings [use ''.join(seq) instead]");
  for (const Value& item : items) out = renderer.arithmetic("+", out, given.has(0) ? value_at(item, *given[0], nullptr, renderer) : item);
  return out;
}

// Rows of that many items, the last one filled up.
Value batch(const Value& subject, const Parameters& given, Renderer& renderer) {
  const int64_t n = given.integer(0);
  std::vector<Value> rows, row;
  for (const Value& item : renderer.iterate(subject)) {
    if (static_cast<int64_t>(row.size()) == n) {
      renderer.count();
      rows.push_back(Value::list(std::move(row)));
      row.clear();
    }
    row.push_back(item);
  }
  if (!row.empty()) {
    const int64_t missing = given.has(1) ? n - static_cast<int64_t>(row.size()) : 0;
    if (missing > 0) {
      renderer.count_bytes(static_cast<uint64_t>(missing));  // before the product
      renderer.count_bytes(static_cast<uint64_t>(missing) * sizeof(Value));
      row.insert(row.end(), static_cast<size_t>(missing), *given[1]);
    }
    rows.push_back(Value::list(std::move(row)));
  }
  return Value::iterator(std::move(rows));
}

// That many columns; those that are shorter by one are filled up.
Value slice(const Value& subject, const Parameters& given, Renderer& renderer) {
  const std::vector<Value> all = renderer.iterate(subject);
  const int64_t n = given.integer(0);
  if (n == 0) renderer.fail("integer division or modulo by zero");
  std::vector<Value> columns;
  if (n < 0) return Value::iterator({});
  renderer.count(static_cast<uint64_t>(n));
  renderer.count_bytes(static_cast<uint64_t>(n) * sizeof(Value));
  const size_t count = static_cast<size_t>(n), least = all.size() / count, longer = all.size() % count;
  for (size_t i = 0, begin = 0; i < count; ++i) {
    const size_t end = begin + least + (i < longer ? 1 : 0);
    std::vector<Value> column(all.begin() + static_cast<ptrdiff_t>(begin), all.begin() + static_cast<ptrdiff_t>(end));
    if (given.has(1) && i >= longer) column.push_back(*given[1]);
    columns.push_back(Value::list(std::move(column)));
    begin = end;
  }
  return Value::iterator(std::move(columns));
}

}  // namespace rustml::chat::filters
