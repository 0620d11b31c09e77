// Expressions: from a tree and variables to a value.
#include <algorithm>

#include "chat/characters.h"
#include "chat/filters.h"
#include "chat/loop.h"
#include "chat/tests.h"

namespace rustml::chat {

using Kind = Expression::Kind;

Value Renderer::evaluate(const Expression& e, Scope& scope) {
  if (e.kind == Kind::constant) {  // often, and of no depth
    count();
    return e.value;
  }
  if (e.kind == Kind::name) {
    count();
    return evaluate_name(e, scope);
  }
  const Nested nested(*this, e.line);
  switch (e.kind) {
    case Kind::list: return Value::list(evaluate_all(e.parts, scope));
    case Kind::tuple: return Value::tuple(evaluate_all(e.parts, scope));
    case Kind::dict: return evaluate_dict(e, scope);
    case Kind::attribute: return attribute(evaluate(e.parts[0], scope), e.name);
    case Kind::item: {
      const Value subject = evaluate(e.parts[0], scope);
      return item(subject, evaluate(e.parts[1], scope));
    }
    case Kind::slice: return evaluate_slice(e, scope);
    case Kind::call: {
      const Value callee = evaluate(e.parts[0], scope);
      return call(callee, evaluate_arguments(e.arguments, scope));
    }
    case Kind::filter: {
      const Value subject = evaluate(e.parts[0], scope);
      return apply_filter(e.name, subject, evaluate_arguments(e.arguments, scope), *this);
    }
    case Kind::test: {
      const Value subject = evaluate(e.parts[0], scope);
      return Value(apply_test(e.name, subject, evaluate_arguments(e.arguments, scope), *this));
    }
    case Kind::sign: {
      const Value value = evaluate(e.parts[0], scope);
      if (value.is(Value::Kind::real)) return Value(e.name == "-" ? -value.as_real() : value.as_real());  // of 0.0 as well
      return arithmetic(e.name, Value(int64_t{0}), value);
    }
    case Kind::negation: return Value(!truth(evaluate(e.parts[0], scope)));
    case Kind::conjunction:
    case Kind::disjunction: {
      Value value;
      for (const Expression& part : e.parts) {
        value = evaluate(part, scope);
        if (truth(value) == (e.kind == Kind::disjunction)) break;
      }
      return value;
    }
    case Kind::conditional:
      if (truth(evaluate(e.parts[0], scope))) return evaluate(e.parts[1], scope);
      if (e.parts.size() > 2) return evaluate(e.parts[2], scope);
      return Value::undefined("the inline if-expression evaluated to false and no else section was defined");
    case Kind::body: return *body_;
    case Kind::comparison: return evaluate_comparison(e, scope);
    default: return evaluate_chain(e, scope);
  }
}

Value Renderer::evaluate_name(const Expression& e, Scope& scope) {
  for (const Scope* at = &scope; at != nullptr; at = at->outer) {
    count(at->variables.size() / 16);
    for (auto variable = at->variables.rbegin(); variable != at->variables.rend(); ++variable)
      if (variable->first == e.name) return variable->second;
  }
  if (is_global(e.name)) return Value::function({Function::Kind::global, e.name, {}, 0});
  return Value::undefined("'" + e.name + "' is undefined");
}

std::vector<Value> Renderer::evaluate_all(const std::vector<Expression>& parts, Scope& scope) {
  std::vector<Value> values;
  values.reserve(parts.size());
  for (const Expression& part : parts) values.push_back(evaluate(part, scope));
  return values;
}

Value Renderer::evaluate_dict(const Expression& e, Scope& scope) {
  Pairs pairs;
  for (size_t i = 0; i + 1 < e.parts.size(); i += 2) {
    const Value key = evaluate(e.parts[i], scope);
    put(pairs, key, evaluate(e.parts[i + 1], scope));
  }
  return Value::dict(std::move(pairs));
}

void Renderer::put(Pairs& pairs, const Value& key, Value value) {
  check_key(key);
  count(1 + pairs.size() / 8);
  for (auto& [name, old] : pairs) {
    if (!equal(name, key)) continue;
    old = std::move(value);
    return;
  }
  pairs.emplace_back(key, std::move(value));
}

// Operators of one rank, from the left.
Value Renderer::evaluate_chain(const Expression& e, Scope& scope) {
  if (e.kind == Kind::concat) {
    Text out;
    for (const Expression& part : e.parts) {
      const Text next = text(evaluate(part, scope));
      count_bytes(next.size());
      out.append(next);
    }
    return Value(std::move(out));
  }
  Value value = evaluate(e.parts[0], scope);
  for (size_t i = 0; i < e.operators.size(); ++i) value = arithmetic(e.operators[i], value, evaluate(e.parts[i + 1], scope));
  return value;
}

Value Renderer::evaluate_comparison(const Expression& e, Scope& scope) {
  Value left = evaluate(e.parts[0], scope);
  for (size_t i = 0; i < e.operators.size(); ++i) {
    const std::string& op = e.operators[i];
    Value right = evaluate(e.parts[i + 1], scope);
    count();
    const bool holds = op == "=="       ? equals(left, right)
                       : op == "!="     ? !equals(left, right)
                       : op == "in"     ? contains(right, left)
                       : op == "not in" ? !contains(right, left)
                                        : in_order(op, left, right);
    if (!holds) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Renderer::evaluate_filtered(const Expression& e, const Value& body, Scope& scope) {
  const Value* const outer = body_;
  body_ = &body;
  Value value = evaluate(e, scope);
  body_ = outer;
  return value;
}

Arguments Renderer::evaluate_arguments(const std::vector<Argument>& arguments, Scope& scope) {
  Arguments out;
  for (const Argument& argument : arguments) {
    Value value = evaluate(argument.value, scope);
    if (argument.spread == Argument::Spread::items) {
      for (Value& item : iterate(value)) out.items.push_back(std::move(item));
    } else if (argument.spread == Argument::Spread::pairs) {
      if (!value.is(Value::Kind::dict)) fail("argument after ** must be a mapping, not " + std::string(type_name(value)));
      for (const auto& [key, entry] : value.pairs()) out.named.emplace_back(text(key).bytes(), entry);
    } else if (argument.keyword.empty()) {
      out.items.push_back(std::move(value));
    } else {
      out.named.emplace_back(argument.keyword, std::move(value));
    }
  }
  return out;
}

namespace {

// Python's slice.indices: begin, step and how many of n items.
struct Steps {
  int64_t begin, step, n;
};

Steps slice_steps(std::optional<int64_t> from, std::optional<int64_t> to, int64_t step, int64_t n) {
  const int64_t lowest = step < 0 ? -1 : 0, highest = step < 0 ? n - 1 : n;
  const auto inside = [&](std::optional<int64_t> at, int64_t absent) {
    if (!at) return absent;
    return std::clamp(*at < 0 ? *at + n : *at, lowest, highest);
  };
  const int64_t begin = inside(from, step < 0 ? highest : lowest), end = inside(to, step < 0 ? lowest : highest);
  const int64_t distance = step < 0 ? begin - end : end - begin;
  return {begin, step, distance <= 0 ? 0 : (distance - 1) / std::abs(step) + 1};
}

}  // namespace

Value Renderer::evaluate_slice(const Expression& e, Scope& scope) {
  const Value subject = evaluate(e.parts[0], scope);
  std::optional<int64_t> limits[3];
  for (size_t i = 0; i < 3; ++i) {
    const Value limit = evaluate(e.parts[i + 1], scope);
    if (limit.is(Value::Kind::none)) continue;
    // Half the range, so that sums with lengths fit.
    limits[i] = std::clamp(integer(limit, "a part of a slice"), INT64_MIN / 2, INT64_MAX / 2);
  }
  if (limits[2] == 0) fail("slice step cannot be zero");
  const bool is_text = subject.is(Value::Kind::text);
  if (!is_text && !subject.is_indexed()) {
    if (subject.is(Value::Kind::undefined)) fail(subject.as_undefined().what);
    fail("'" + std::string(type_name(subject)) + "' object is not subscriptable by a slice");
  }
  const Steps steps = slice_steps(limits[0], limits[1], limits[2].value_or(1), static_cast<int64_t>(length(subject)));
  if (!is_text) {
    std::vector<Value> items;
    count(static_cast<uint64_t>(steps.n));
    for (int64_t i = 0; i < steps.n; ++i) items.push_back(subject.items()[static_cast<size_t>(steps.begin + i * steps.step)]);
    return subject.as_list().shape == ListObject::Shape::tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
  }
  const Text& whole = subject.as_text();
  if (steps.step == 1) {
    const size_t begin = byte_of_character(whole.bytes(), static_cast<size_t>(steps.begin));
    const size_t n = byte_of_character(std::string_view(whole.bytes()).substr(begin), static_cast<size_t>(steps.n));
    count_bytes(n);
    return Value(whole.part(begin, begin + n), subject.is_markup());
  }
  std::vector<size_t> begins;  // of the characters, and the end
  for (size_t at = 0; at < whole.size(); at += character_bytes(whole.bytes(), at)) begins.push_back(at);
  begins.push_back(whole.size());
  count_bytes(whole.size());
  Text out;
  for (int64_t i = 0; i < steps.n; ++i) {
    const auto at = static_cast<size_t>(steps.begin + i * steps.step);
    out.append(whole, begins[at], begins[at + 1]);
  }
  return Value(std::move(out), subject.is_markup());
}

}  // namespace rustml::chat
