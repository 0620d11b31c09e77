#include "chat/filters.h"

#include <algorithm>
#include <iterator>

#include "chat/filter_functions.h"
#include "chat/methods.h"

namespace rustml::chat {

using Kind = Value::Kind;

namespace filters {

// Attributes alone, where "." also takes a dictionary's entries.
Value attribute(const Value& subject, const Parameters& given, Renderer& renderer) {
  if (subject.is(Kind::undefined)) return renderer.attribute(subject, given.text(0).bytes());
  const std::string& name = given.text(0).bytes();
  bool changes = false;
  if (subject.is(Kind::dict) && !has_method(subject, name, changes))
    return Value::undefined("'dict object' has no attribute '" + name + "'");
  return renderer.attribute(subject, name);
}

Value fallback(const Value& subject, const Parameters& given, Renderer&) {
  if (subject.is(Kind::undefined) || (given.flag(1) && !truth(subject))) return given.value(0, Value::of_model(""));
  return subject;
}

namespace {

std::string style_text(const Value& value, Renderer& renderer) {
  if (!value.is(Kind::text)) renderer.fail("tojson: separators must be texts, not " + std::string(type_name(value)));
  return value.as_text().bytes();
}

}  // namespace

Value to_json(const Value& subject, const Parameters& given, Renderer& renderer) {
  JsonStyle style;
  style.ascii = given.flag(0);
  if (given.has(1)) {
    const int64_t width = given[1]->is(Kind::text) ? 0 : given.integer(1);
    renderer.count_bytes(static_cast<uint64_t>(std::max<int64_t>(width, 0)));
    style.indent = given[1]->is(Kind::text) ? given.text(1).bytes() : std::string(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
    style.between = ",";
  }
  if (given.has(2)) {
    const std::vector<Value> separators = renderer.iterate(*given[2]);
    if (separators.size() != 2) renderer.fail("tojson: separators must be two texts");
    style.between = style_text(separators[0], renderer);
    style.behind_key = style_text(separators[1], renderer);
  }
  style.sorted = given.flag(3);
  return Value(chat::to_json(subject, style, renderer));
}

}  // namespace filters

namespace {

struct Filter {
  std::string_view name;
  FilterFunction* apply;  // nullptr: Jinja has it, we have not
  std::string_view parameters;
};

// By name.
constexpr Filter kFilters[] = {
    {"abs", filters::absolute, ""},
    {"attr", filters::attribute, "name"},
    {"batch", filters::batch, "linecount fill_with?"},
    {"capitalize", filters::capitalize, ""},
    {"center", filters::center, "width?"},
    {"count", filters::length, ""},
    {"d", filters::fallback, "default_value? boolean?"},
    {"default", filters::fallback, "default_value? boolean?"},
    {"dictsort", filters::dict_sort, "case_sensitive? by? reverse?"},
    {"e", filters::escape, ""},
    {"escape", filters::escape, ""},
    {"filesizeformat", nullptr, "..."},
    {"first", filters::first, ""},
    {"float", filters::real, "default?"},
    {"forceescape", filters::force_escape, ""},
    {"format", filters::format, "..."},
    {"groupby", filters::group_by, "attribute default? case_sensitive?"},
    {"indent", filters::indent, "width? first? blank?"},
    {"int", filters::integer, "default? base?"},
    {"items", filters::items, ""},
    {"join", filters::join, "d? attribute?"},
    {"last", filters::last, ""},
    {"length", filters::length, ""},
    {"list", filters::list, ""},
    {"lower", filters::lower, ""},
    {"map", filters::map, "..."},
    {"max", filters::largest, "case_sensitive? attribute?"},
    {"min", filters::smallest, "case_sensitive? attribute?"},
    {"pprint", nullptr, "..."},
    {"random", nullptr, "..."},
    {"reject", filters::reject, "..."},
    {"rejectattr", filters::reject_by_attribute, "..."},
    {"replace", filters::replace, "old new count?"},
    {"reverse", filters::reverse, ""},
    {"round", filters::round, "precision? method?"},
    {"safe", filters::safe, ""},
    {"select", filters::select, "..."},
    {"selectattr", filters::select_by_attribute, "..."},
    {"slice", filters::slice, "slices fill_with?"},
    {"sort", filters::sort, "reverse? case_sensitive? attribute?"},
    {"string", filters::string, ""},
    {"striptags", filters::strip_tags, ""},
    {"sum", filters::sum, "attribute? start?"},
    {"title", filters::title, ""},
    {"tojson", filters::to_json, "ensure_ascii? indent? separators? sort_keys?"},
    {"trim", filters::trim, "chars?"},
    {"truncate", filters::truncate, "length? killwords? end? leeway?"},
    {"unique", filters::unique, "case_sensitive? attribute?"},
    {"upper", filters::upper, ""},
    {"urlencode", filters::url_encode, ""},
    {"urlize", nullptr, "..."},
    {"wordcount", filters::word_count, ""},
    {"wordwrap", nullptr, "..."},
    {"xmlattr", nullptr, "..."},
};
static_assert(std::is_sorted(std::begin(kFilters), std::end(kFilters), [](const Filter& a, const Filter& b) { return a.name < b.name; }));

const Filter* filter_named(std::string_view name) noexcept {
  const Filter* at = std::lower_bound(std::begin(kFilters), std::end(kFilters), name,
                                      [](const Filter& filter, std::string_view other) { return filter.name < other; });
  return at != std::end(kFilters) && at->name == name ? at : nullptr;
}

}  // namespace

bool is_filter(std::string_view name) noexcept { return filter_named(name) != nullptr; }

Value apply_filter(std::string_view name, const Value& subject, const Arguments& arguments, Renderer& renderer) {
  const Filter* filter = filter_named(name);
  if (filter == nullptr || filter->apply == nullptr) renderer.unsupported("filter '" + std::string(name) + "'");
  renderer.count();
  const Signature signature{filter->name, filter->parameters};
  return filter->apply(subject, Parameters(signature, arguments, renderer), renderer);
}

Value value_at(const Value& item, const Value& path, const Value* fallback, Renderer& renderer) {
  if (path.is(Kind::none)) return item;
  if (fallback == nullptr || fallback->is(Kind::none)) return renderer.path(item, path);
  if (!path.is(Kind::text)) {
    Value found = renderer.item(item, path);
    return found.is(Kind::undefined) ? *fallback : found;
  }
  Value found = item;
  const std::string& steps = path.as_text().bytes();
  for (size_t begin = 0; begin <= steps.size();) {
    const size_t end = std::min(steps.find('.', begin), steps.size());
    found = renderer.path(found, Value::of_model(std::string_view(steps).substr(begin, end - begin)));
    if (found.is(Kind::undefined)) found = *fallback;
    begin = end + 1;
  }
  return found;
}

}  // namespace rustml::chat
