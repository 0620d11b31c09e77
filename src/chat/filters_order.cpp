// Filters that compare the items of a list.
#include <algorithm>

#include "chat/characters.h"
#include "chat/filter_functions.h"

namespace rustml::chat::filters {

using Kind = Value::Kind;

namespace {

Value without_case(const Value& value, bool sensitive, Renderer& renderer) {
  if (sensitive || !value.is(Kind::text)) return value;
  renderer.count_bytes(value.as_text().size());
  return Value(in_case(value.as_text(), Case::lower));
}

struct Keyed {
  Value item;
  std::vector<Value> keys;
};

// As Python compares lists: the first ones that differ decide.
bool keys_before(const std::vector<Value>& a, const std::vector<Value>& b, Renderer& renderer) {
  renderer.count();
  for (size_t i = 0; i < a.size() && i < b.size(); ++i)
    if (!renderer.equals(a[i], b[i])) return renderer.in_order("<", a[i], b[i]);
  return false;
}

std::vector<Value> sorted_items(std::vector<Keyed> all, bool reverse, bool as_lists, Renderer& renderer) {
  const auto before = [&](const Keyed& a, const Keyed& b) {
    if (as_lists) return keys_before(a.keys, b.keys, renderer);
    renderer.count();
    return renderer.in_order("<", a.keys[0], b.keys[0]);
  };
  std::stable_sort(all.begin(), all.end(), [&](const Keyed& a, const Keyed& b) { return reverse ? before(b, a) : before(a, b); });
  std::vector<Value> items;
  for (Keyed& one : all) items.push_back(std::move(one.item));
  return items;
}

}  // namespace

Value sort(const Value& subject, const Parameters& given, Renderer& renderer) {
  std::vector<Value> paths;
  if (given.has(2) && given[2]->is(Kind::text)) {
    const Text& names = given.text(2);
    for (size_t begin = 0; begin <= names.size();) {
      const size_t end = std::min(names.bytes().find(',', begin), names.size());
      paths.emplace_back(names.part(begin, end));
      begin = end + 1;
    }
  } else {
    paths.push_back(given.value(2, Value(None{})));
  }
  std::vector<Keyed> all;
  for (Value& item : renderer.iterate(subject)) {
    renderer.count_bytes(sizeof(Keyed) + paths.size() * sizeof(Value));
    Keyed one{std::move(item), {}};
    for (const Value& path : paths) one.keys.push_back(without_case(value_at(one.item, path, nullptr, renderer), given.flag(1), renderer));
    all.push_back(std::move(one));
  }
  return Value::list(sorted_items(std::move(all), given.flag(0), true, renderer));
}

Value dict_sort(const Value& subject, const Parameters& given, Renderer& renderer) {
  const std::string by = given[1] != nullptr ? given.text(1).bytes() : "key";
  if (by != "key" && by != "value") renderer.fail("You can only sort by either \"key\" or \"value\"");
  if (subject.is(Kind::undefined)) renderer.fail(subject.as_undefined().what);
  if (!subject.is(Kind::dict)) renderer.fail("'" + std::string(type_name(subject)) + "' object has no attribute 'items'");
  std::vector<Keyed> all;
  for (const auto& [key, value] : subject.pairs()) {
    renderer.count_bytes(sizeof(Keyed));
    all.push_back({Value::tuple({key, value}), {without_case(by == "key" ? key : value, given.flag(0), renderer)}});
  }
  return Value::list(sorted_items(std::move(all), given.flag(2), false, renderer));
}

// Pairs of a value and the items whose attribute has it.
Value group_by(const Value& subject, const Parameters& given, Renderer& renderer) {
  const bool sensitive = given.flag(2);
  const auto key_of = [&](const Value& item) { return value_at(item, *given[0], given[1], renderer); };
  std::vector<Keyed> all;
  for (Value& item : renderer.iterate(subject)) {
    renderer.count_bytes(sizeof(Keyed));
    Value key = without_case(key_of(item), sensitive, renderer);
    all.push_back({std::move(item), {std::move(key)}});
  }
  std::vector<Value> groups, members;
  Value last;
  const auto close = [&] {
    if (members.empty()) return;
    Value name = key_of(members[0]);
    groups.push_back(Value::of_shape({std::move(name), Value::list(std::move(members))}, ListShape::group));
    members.clear();
  };
  for (Value& item : sorted_items(std::move(all), false, false, renderer)) {
    Value key = without_case(key_of(item), sensitive, renderer);
    if (!members.empty() && !renderer.equals(last, key)) close();
    members.push_back(std::move(item));
    last = std::move(key);
  }
  close();
  return Value::list(std::move(groups));
}

Value unique(const Value& subject, const Parameters& given, Renderer& renderer) {
  std::vector<Value> seen, kept;
  for (Value& item : renderer.iterate(subject)) {
    Value key = without_case(given.has(1) ? value_at(item, *given[1], nullptr, renderer) : item, given.flag(0), renderer);
    renderer.check_key(key);
    renderer.count(1 + seen.size() / 4);
    if (std::ranges::any_of(seen, [&](const Value& other) { return renderer.equals(other, key); })) continue;
    seen.push_back(std::move(key));
    kept.push_back(std::move(item));
  }
  return Value::iterator(std::move(kept));
}

namespace {

Value extreme(const Value& subject, const Parameters& given, std::string_view op, Renderer& renderer) {
  const std::vector<Value> items = renderer.iterate(subject);
  if (items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const auto key_of = [&](const Value& item) {
    return without_case(given.has(1) ? value_at(item, *given[1], nullptr, renderer) : item, given.flag(0), renderer);
  };
  size_t best = 0;
  Value key = key_of(items[0]);
  for (size_t i = 1; i < items.size(); ++i) {
    Value other = key_of(items[i]);
    if (!renderer.in_order(op, other, key)) continue;
    best = i;
    key = std::move(other);
  }
  return items[best];
}

}  // namespace

Value smallest(const Value& subject, const Parameters& given, Renderer& renderer) { return extreme(subject, given, "<", renderer); }
Value largest(const Value& subject, const Parameters& given, Renderer& renderer) { return extreme(subject, given, ">", renderer); }

}  // namespace rustml::chat::filters
