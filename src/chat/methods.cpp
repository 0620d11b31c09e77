#include "chat/methods.h"

#include <algorithm>
#include <iterator>

#include "chat/method_functions.h"

namespace rustml::chat {

using Kind = Value::Kind;

namespace {

Value dict_get(const Value& self, const Parameters& given, Renderer& renderer) {
  renderer.check_key(*given[0]);
  renderer.count(self.pairs().size() / 8);
  const Value* found = find(self, *given[0]);
  return found != nullptr ? *found : given.value(1, Value(None{}));
}
Value dict_items(const Value& self, const Parameters&, Renderer& renderer) {
  renderer.count(self.pairs().size());
  std::vector<Value> items;
  for (const auto& [key, value] : self.pairs()) items.push_back(Value::tuple({key, value}));
  return Value::of_shape(std::move(items), ListShape::items);
}
Value dict_keys(const Value& self, const Parameters&, Renderer& renderer) {
  return Value::of_shape(renderer.iterate(self), ListShape::keys);
}
Value dict_values(const Value& self, const Parameters&, Renderer& renderer) {
  renderer.count(self.pairs().size());
  std::vector<Value> items;
  for (const auto& pair : self.pairs()) items.push_back(pair.second);
  return Value::of_shape(std::move(items), ListShape::values);
}
Value itself(const Value& self, const Parameters&, Renderer&) { return self; }  // nothing changes, so the same does for a copy

Value list_count(const Value& self, const Parameters& given, Renderer& renderer) {
  renderer.count(self.items().size());
  return Value(
      static_cast<int64_t>(std::ranges::count_if(self.items(), [&](const Value& item) { return renderer.equals(item, *given[0]); })));
}
Value list_index(const Value& self, const Parameters& given, Renderer& renderer) {
  const auto n = static_cast<int64_t>(self.items().size());
  renderer.count(self.items().size());
  const auto inside = [&](int64_t at) { return std::clamp(at < 0 ? at + n : at, int64_t{0}, n); };
  for (int64_t i = inside(given.integer(1, 0)), end = inside(given.integer(2, n)); i < end; ++i)
    if (renderer.equals(self.items()[static_cast<size_t>(i)], *given[0])) return Value(i);
  renderer.fail("x is not in " + std::string(type_name(self)));
}

// All public ones, by name.
constexpr Method kDictMethods[] = {
    {"clear", nullptr, "...", true},
    {"copy", itself, "/"},
    {"fromkeys", nullptr},
    {"get", dict_get, "/ key default?"},
    {"items", dict_items, "/"},
    {"keys", dict_keys, "/"},
    {"pop", nullptr, "...", true},
    {"popitem", nullptr, "...", true},
    {"setdefault", nullptr, "...", true},
    {"update", nullptr, "...", true},
    {"values", dict_values, "/"},
};
constexpr Method kListMethods[] = {
    {"append", nullptr, "...", true},  {"clear", nullptr, "...", true},  {"copy", itself, "/"},
    {"count", list_count, "/ value"},  {"extend", nullptr, "...", true}, {"index", list_index, "/ value start? stop?"},
    {"insert", nullptr, "...", true},  {"pop", nullptr, "...", true},    {"remove", nullptr, "...", true},
    {"reverse", nullptr, "...", true}, {"sort", nullptr, "...", true},
};
constexpr Method kTupleMethods[] = {{"count", list_count, "/ value"}, {"index", list_index, "/ value start? stop?"}};

const Method* in_table(const Method* begin, const Method* end, std::string_view name) {
  const Method* at = std::find_if(begin, end, [&](const Method& method) { return method.name == name; });
  return at == end ? nullptr : at;
}

const Method* method_of(const Value& receiver, std::string_view name) noexcept {
  if (receiver.is(Kind::text)) return text_method(name);
  if (receiver.is(Kind::dict)) return in_table(std::begin(kDictMethods), std::end(kDictMethods), name);
  if (!receiver.is_indexed()) return nullptr;
  if (receiver.as_list().shape == ListShape::list) return in_table(std::begin(kListMethods), std::end(kListMethods), name);
  return in_table(std::begin(kTupleMethods), std::end(kTupleMethods), name);
}

}  // namespace

bool has_method(const Value& receiver, std::string_view name, bool& changes) noexcept {
  const Method* method = method_of(receiver, name);
  changes = method != nullptr && method->changes;
  return method != nullptr;
}

Value call_method(const Value& receiver, std::string_view name, const Arguments& arguments, Renderer& renderer) {
  const Method* method = method_of(receiver, name);
  if (method == nullptr || method->call == nullptr)
    renderer.unsupported("the method '" + std::string(name) + "' of a " + std::string(type_name(receiver)));
  renderer.count();
  const Signature signature{method->name, method->parameters};
  return method->call(receiver, Parameters(signature, arguments, renderer), renderer);
}

}  // namespace rustml::chat
