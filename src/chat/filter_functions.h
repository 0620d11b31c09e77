// The filters one by one, for the table of filters.cpp.
#pragma once
#include "chat/parameters.h"
#include "chat/renderer.h"

namespace rustml::chat {

using FilterFunction = Value(const Value& subject, const Parameters& given, Renderer& renderer);

namespace filters {

// Of texts (filters_text.cpp).
FilterFunction capitalize, center, escape, force_escape, format, indent, lower, replace, safe, string, strip_tags, title, trim, truncate,
    upper, url_encode, word_count;
// Of lists (filters_lists.cpp, filters_order.cpp).
FilterFunction batch, first, items, join, last, length, list, map, reject, reject_by_attribute, reverse, select, select_by_attribute, slice,
    sum;
FilterFunction dict_sort, group_by, largest, smallest, sort, unique;
// Of numbers and anything (filters_numbers.cpp, filters.cpp).
FilterFunction absolute, integer, real, round;
FilterFunction attribute, fallback, to_json;

}  // namespace filters

// The attribute that a path as "a.b" or 0 names; `fallback` where one of its steps is undefined (nullptr: undefined).
Value value_at(const Value& item, const Value& path, const Value* fallback, Renderer& renderer);

}  // namespace rustml::chat
