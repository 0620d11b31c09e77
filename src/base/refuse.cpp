#include "base/refuse.h"

#include <cmath>

#include "base/json_writer.h"
#include "base/number_text.h"

namespace rustml::base {

namespace {
// JSON has no infinities.
template <class T>
std::string number_json(T number) {
  return std::isfinite(number) ? shortest(number) : json_string(shortest(number));
}
}  // namespace

Given::Given(double number) : Given(shortest(number), number_json(number)) {}
Given::Given(float number) : Given(shortest(number), number_json(number)) {}
Given::Given(std::string words) : words_(std::move(words)), json_(json_string(words_)) {}
Given Given::text(std::string_view text) { return {quoted(text), json_string(text)}; }

std::string refusal_detail(std::string_view field, const Given& value, std::string_view rule) {
  return JsonObject().add("field", field).add("value", JsonText(value.json())).add("rule", rule).str();
}

void refuse_field(std::string_view field, const Given& value, std::string_view rule, Status status) {
  fail(status, std::string(field) + " is " + value.words() + "; it must be " + std::string(rule), refusal_detail(field, value, rule));
}

}  // namespace rustml::base
