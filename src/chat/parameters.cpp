#include "chat/parameters.h"

#include <vector>

namespace rustml::chat {
namespace {

struct Parameter {
  std::string_view name;
  bool needed;
};

struct Form {
  std::vector<Parameter> parameters;
  bool by_name = true, more = false;
};

Form form_of(std::string_view text) {
  Form form;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word == "/") {
      form.by_name = false;
    } else if (word == "...") {
      form.more = true;
    } else {
      const bool needed = !word.ends_with('?');
      if (!needed) word.remove_suffix(1);
      form.parameters.push_back({word, needed});
    }
  }
  return form;
}

}  // namespace

Parameters::Parameters(const Signature& signature, const Arguments& arguments, Renderer& renderer)
    : signature_(signature), all_(arguments), renderer_(renderer) {
  const Form form = form_of(signature.parameters);
  const std::string function = std::string(signature.function) + "()";
  if (arguments.items.size() > form.parameters.size() && !form.more)
    renderer.fail(function + " takes " + std::to_string(form.parameters.size()) + " arguments, but " +
                  std::to_string(arguments.items.size()) + " are given");
  for (size_t i = 0; i < form.parameters.size() && i < arguments.items.size(); ++i) put(i, form.parameters[i].name, arguments.items[i]);
  for (const auto& [name, value] : arguments.named) {
    size_t i = 0;
    while (i < form.parameters.size() && form.parameters[i].name != name) ++i;
    if (i < form.parameters.size() && form.by_name) {
      put(i, name, value);
    } else if (!form.more) {
      renderer.fail(function + " got an unexpected keyword argument '" + name + "'");
    }
  }
  for (size_t i = 0; i < form.parameters.size(); ++i)
    if (form.parameters[i].needed && values_[i] == nullptr)
      renderer.fail(function + " missing the argument '" + std::string(form.parameters[i].name) + "'");
}

void Parameters::put(size_t i, std::string_view name, const Value& value) {
  if (values_[i] != nullptr)
    renderer_.fail(std::string(signature_.function) + "() got multiple values for argument '" + std::string(name) + "'");
  values_[i] = &value;
}

int64_t Parameters::integer(size_t i, int64_t fallback) const {
  if (values_[i] == nullptr) return fallback;
  const Value& value = *values_[i];
  if (!value.is(Value::Kind::integer) && !value.is(Value::Kind::boolean))
    renderer_.fail("'" + std::string(type_name(value)) + "' object cannot be interpreted as an integer");
  return value.as_integer();
}

const Text& Parameters::text(size_t i) const {
  if (!values_[i]->is(Value::Kind::text))
    renderer_.fail(std::string(signature_.function) + "() argument " + std::to_string(i + 1) + " must be str, not " +
                   std::string(type_name(*values_[i])));
  return values_[i]->as_text();
}

}  // namespace rustml::chat
