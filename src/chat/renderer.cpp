// Statements: what a template does, one after the other.
#include "chat/renderer.h"

#include <algorithm>

#include "chat/loop.h"
#include "chat/template_error.h"

namespace rustml::chat {

using Kind = Statement::Kind;
using base::Status;

const Value* Arguments::find(size_t place, std::string_view name) const {
  if (place < items.size()) return &items[place];
  for (const auto& [keyword, value] : named)
    if (keyword == name) return &value;
  return nullptr;
}

Renderer::Nested::Nested(Renderer& renderer, int line) : renderer_(renderer), outer_line_(renderer.line_) {
  renderer_.line_ = line;
  if (++renderer_.depth_ > renderer_.limits_.depth)
    renderer_.fail(Status::resource_exhausted, "macros, blocks and expressions lie too deep in each other");
  renderer_.count();
}

void Renderer::set(std::string_view name, Value value) { root_.variables.emplace_back(name, std::move(value)); }

Text Renderer::render(const Body& body) {
  Text out;
  run(body, root_, out);
  return out;
}

void Renderer::fail(Status status, const std::string& problem) const { template_error(status, line_, problem); }
void Renderer::fail(const std::string& problem) const { fail(Status::invalid_argument, problem); }
void Renderer::unsupported(const std::string& what) const { fail(Status::unimplemented, what + " is not supported"); }

void Renderer::count(uint64_t n) {
  if (n > limits_.steps - steps_) fail(Status::resource_exhausted, "it takes more than " + std::to_string(limits_.steps) + " steps");
  const uint64_t before = steps_;
  steps_ += n;
  if (steps_ / 1024 != before / 1024) stop_.check("chat template");
}

void Renderer::count_bytes(uint64_t n) {
  if (n > limits_.bytes - bytes_) fail(Status::resource_exhausted, "its texts take more than " + std::to_string(limits_.bytes) + " bytes");
  bytes_ += n;
  count(n / 256);
}

Renderer::Flow Renderer::run(const Body& body, Scope& scope, Text& out) {
  for (const Statement& statement : body) {
    const Flow flow = run(statement, scope, out);
    if (flow != Flow::on) return flow;
  }
  return Flow::on;
}

Renderer::Flow Renderer::run(const Statement& s, Scope& scope, Text& out) {
  const Nested nested(*this, s.line);
  switch (s.kind) {
    case Kind::text:
      count_bytes(s.text.size());
      out.append(s.text, Origin::model);
      break;
    case Kind::output: {
      const Text shown = text(evaluate(s.expressions[0], scope));
      count_bytes(shown.size());
      out.append(shown);
      break;
    }
    case Kind::loop: run_loop(s, loop_items(s, evaluate(s.expressions[0], scope), scope), scope, 1, out); break;
    case Kind::condition: return run_condition(s, scope, out);
    case Kind::set: assign(s.targets[0], evaluate(s.expressions[0], scope), scope); break;
    case Kind::set_block: {
      Value value(body_text(s.bodies[0], scope));
      if (!s.expressions.empty()) value = evaluate_filtered(s.expressions[0], value, scope);
      assign(s.targets[0], value, scope);
      break;
    }
    case Kind::macro: scope.variables.emplace_back(s.text, make_macro(s, scope)); break;
    case Kind::call: run_call(s, scope, out); break;
    case Kind::filter: {
      const Value filtered = evaluate_filtered(s.expressions[0], Value(body_text(s.bodies[0], scope)), scope);
      if (!filtered.is(Value::Kind::text)) fail("a filter block must give a str, not " + std::string(type_name(filtered)));
      count_bytes(filtered.as_text().size());
      out.append(filtered.as_text());
      break;
    }
    case Kind::with: run_with(s, scope, out); break;
    case Kind::stop: return Flow::stop;
    case Kind::next: return Flow::next;
  }
  return Flow::on;
}

Renderer::Flow Renderer::run_condition(const Statement& s, Scope& scope, Text& out) {
  for (size_t i = 0; i < s.expressions.size(); ++i)
    if (truth(evaluate(s.expressions[i], scope))) return run(s.bodies[i], scope, out);
  return s.bodies.size() > s.expressions.size() ? run(s.bodies.back(), scope, out) : Flow::on;
}

Text Renderer::body_text(const Body& body, Scope& scope) {
  Scope inner{&scope, {}};
  Text out;
  run(body, inner, out);
  return out;
}

void Renderer::run_with(const Statement& s, Scope& scope, Text& out) {
  Scope inner{&scope, {}};
  for (size_t i = 0; i < s.targets.size(); ++i) assign(s.targets[i], evaluate(s.expressions[i], scope), inner);
  run(s.bodies[0], inner, out);
}

// The items of a loop, without those that its condition leaves out.
std::vector<Value> Renderer::loop_items(const Statement& s, const Value& iterable, Scope& scope) {
  std::vector<Value> items = iterate(iterable);
  if (s.expressions.size() < 2) return items;
  std::vector<Value> kept;
  for (Value& item : items) {
    Scope inner{&scope, {}};
    assign(s.targets[0], item, inner);
    if (truth(evaluate(s.expressions[1], inner))) kept.push_back(std::move(item));
  }
  return kept;
}

void Renderer::run_loop(const Statement& s, std::vector<Value> items, Scope& scope, int depth, Text& out) {
  Loop loop{&s, &scope, std::move(items), 0, depth, false, {}};
  const Value itself = Value::function({Function::Kind::loop, "loop", {}, loops_.size()});
  loops_.push_back(&loop);
  const size_t number = loops_.size() - 1;
  const auto forget = [&](void*) { loops_[number] = nullptr; };
  const std::unique_ptr<void, decltype(forget)> ended(&loop, forget);
  for (; loop.index < loop.items.size(); ++loop.index) {
    count();
    Scope inner{&scope, {}};
    inner.variables.emplace_back("loop", itself);
    assign(s.targets[0], loop.items[loop.index], inner);
    if (run(s.bodies[0], inner, out) == Flow::stop) break;
  }
  if (loop.items.empty() && s.bodies.size() > 1) {
    Scope inner{&scope, {}};
    run(s.bodies[1], inner, out);
  }
}

void Renderer::assign(const Expression& target, const Value& value, Scope& scope) {
  switch (target.kind) {
    case Expression::Kind::name:
      count(scope.variables.size() / 16);
      for (auto& [name, old] : scope.variables) {
        if (name != target.name) continue;
        old = value;
        return;
      }
      scope.variables.emplace_back(target.name, value);
      break;
    case Expression::Kind::attribute: {
      const Value space = evaluate(target.parts[0], scope);
      if (!space.is(Value::Kind::space)) fail("cannot assign attribute on non-namespace object");
      if (target.name.starts_with('_')) fail("a namespace takes no name that begins with \"_\", like " + base::quoted(target.name));
      auto& attributes = space.as_space().attributes;
      const auto known = std::find_if(attributes.begin(), attributes.end(), [&](const auto& entry) { return entry.first == target.name; });
      if (known == attributes.end()) {
        attributes.emplace_back(target.name, value);
      } else {
        known->second = value;
      }
      break;
    }
    default: {  // a tuple of names
      const std::vector<Value> items = iterate(value);
      if (items.size() != target.parts.size())
        fail((items.size() > target.parts.size() ? "too many values to unpack (expected " : "not enough values to unpack (expected ") +
             std::to_string(target.parts.size()) + ", got " + std::to_string(items.size()) + ")");
      for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i], scope);
    }
  }
}

// A macro sees the template's variables as they are when it is called; those of loops and blocks around it as they are now.
Value Renderer::make_macro(const Statement& s, Scope& scope) {
  auto macro = std::make_unique<Macro>(Macro{&s, {}});
  std::vector<const Scope*> around;
  for (const Scope* at = &scope; at != &root_; at = at->outer) around.push_back(at);
  for (auto at = around.rbegin(); at != around.rend(); ++at)
    for (const auto& variable : (*at)->variables) {
      count();
      macro->captured.push_back(variable);
    }
  count_bytes(macro->captured.size() * sizeof macro->captured[0]);
  macros_.push_back(std::move(macro));
  return Value::function({Function::Kind::macro, s.text, {}, macros_.size() - 1});
}

Value Renderer::call_macro(const Function& function, const Arguments& arguments) {
  const Macro& macro = *macros_[function.number];
  const Statement& s = *macro.statement;
  const Nested nested(*this, line_);
  Scope scope{&root_, macro.captured};
  scope.variables.emplace_back(function.name, Value::function(function));
  std::vector<bool> used(arguments.named.size(), false), missing;
  const auto named = [&](std::string_view name) -> const Value* {
    for (size_t i = 0; i < arguments.named.size(); ++i) {
      if (arguments.named[i].first != name) continue;
      used[i] = true;
      return &arguments.named[i].second;
    }
    return nullptr;
  };
  const size_t first = scope.variables.size();  // of the parameters, which a fallback sees without it
  for (size_t i = 0; i < s.parameters.size(); ++i) {
    const std::string& name = s.parameters[i].name;
    const Value* given = named(name);
    if (i < arguments.items.size()) {
      if (given != nullptr) fail("macro '" + s.text + "' got multiple values for argument '" + name + "'");
      given = &arguments.items[i];
    }
    missing.push_back(given == nullptr);
    scope.variables.emplace_back(name, given != nullptr ? *given : Value::undefined("parameter '" + name + "' was not provided"));
  }
  for (size_t i = 0; i < s.parameters.size(); ++i)
    if (missing[i] && !s.parameters[i].fallback.empty()) scope.variables[first + i].second = evaluate(s.parameters[i].fallback[0], scope);
  if (s.takes_caller) {
    const Value* caller = named("caller");
    scope.variables.emplace_back("caller", caller != nullptr ? *caller : Value::undefined("No caller defined"));
  }
  const size_t n = s.parameters.size();
  if (s.more_arguments) {
    const auto first = arguments.items.begin() + static_cast<ptrdiff_t>(std::min(n, arguments.items.size()));
    scope.variables.emplace_back("varargs", Value::tuple({first, arguments.items.end()}));
  } else if (arguments.items.size() > n) {
    fail("macro '" + s.text + "' takes not more than " + std::to_string(n) + " argument(s)");
  }
  Pairs rest;
  for (size_t i = 0; i < arguments.named.size(); ++i) {
    if (used[i]) continue;
    if (!s.more_keywords) fail("macro '" + s.text + "' takes no keyword argument '" + arguments.named[i].first + "'");
    rest.emplace_back(Value::of_model(arguments.named[i].first), arguments.named[i].second);
  }
  if (s.more_keywords) scope.variables.emplace_back("kwargs", Value::dict(std::move(rest)));
  Text out;
  run(s.bodies[0], scope, out);
  return Value(std::move(out));
}

void Renderer::run_call(const Statement& s, Scope& scope, Text& out) {
  const Expression& call = s.expressions[0];
  const Value callee = evaluate(call.parts[0], scope);
  Arguments arguments = evaluate_arguments(call.arguments, scope);
  arguments.named.emplace_back("caller", make_macro(s, scope));
  const Text shown = text(this->call(callee, arguments));
  count_bytes(shown.size());
  out.append(shown);
}

}  // namespace rustml::chat
