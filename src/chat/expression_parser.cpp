#include "chat/expression_parser.h"

#include <algorithm>

#include "chat/template_error.h"

namespace rustml::chat {

using Kind = Expression::Kind;
using base::Status;

void ExpressionParser::fail(const std::string& problem) const { template_error(Status::unimplemented, token().line, problem); }

void ExpressionParser::unexpected(const char* wanted) const {
  const bool closes = token().kind == Token::Kind::block_end || token().kind == Token::Kind::output_end;
  const std::string found = token().kind == Token::Kind::end ? "the end of the template"
                            : closes                         ? "the tag ends"
                                                             : base::quoted(token().text);
  fail(std::string("expected ") + wanted + ", but " + (closes ? "" : "found ") + found);
}

ExpressionParser::Deeper::Deeper(ExpressionParser& parser) : parser_(parser) {
  if (++parser_.depth_ > kMaxNesting) {
    --parser_.depth_;
    template_error(Status::resource_exhausted, parser_.token().line, "brackets and blocks lie more than 64 deep in each other");
  }
}

bool ExpressionParser::take(std::string_view symbol) {
  if (!sees(symbol)) return false;
  advance();
  return true;
}
bool ExpressionParser::take_name(std::string_view name) {
  if (!sees_name(name)) return false;
  advance();
  return true;
}
void ExpressionParser::need(std::string_view symbol) {
  if (!take(symbol)) unexpected(base::quoted(symbol).c_str());
}
std::string ExpressionParser::need_name(const char* what) {
  if (token().kind != Token::Kind::name) unexpected(what);
  std::string name = token().text;
  advance();
  return name;
}

Expression ExpressionParser::expressions(bool with_condition) {
  Expression tuple = make(Kind::tuple);
  bool comma = false;
  while (token().kind != Token::Kind::block_end && token().kind != Token::Kind::output_end && !sees_name("in") && !sees_name("recursive")) {
    tuple.parts.push_back(expression(with_condition));
    comma = take(",");
    if (!comma) break;
    tuple.line = tuple.parts.front().line;
  }
  if (tuple.parts.empty()) unexpected("an expression");
  if (tuple.parts.size() == 1 && !comma) return std::move(tuple.parts.front());
  return tuple;
}

// a if b else c
Expression ExpressionParser::expression(bool with_condition) {
  const Deeper deeper(*this);
  if (!with_condition) return disjunction();
  Expression value = disjunction();
  while (take_name("if")) {
    Expression choice = make(Kind::conditional);
    Expression condition = disjunction();
    choice.parts.push_back(std::move(condition));
    choice.parts.push_back(std::move(value));
    if (take_name("else")) choice.parts.push_back(expression());
    value = std::move(choice);
  }
  return value;
}

Expression ExpressionParser::joined(Kind kind, Expression (ExpressionParser::*part)(), std::initializer_list<std::string_view> operators) {
  Expression first = (this->*part)();
  const auto found = [&] {
    return std::find_if(operators.begin(), operators.end(), [&](std::string_view o) {
      return (token().kind == Token::Kind::symbol || token().kind == Token::Kind::name) && token().text == o;
    });
  };
  if (found() == operators.end()) return first;
  Expression chain = make(kind);
  chain.line = first.line;
  chain.parts.push_back(std::move(first));
  while (found() != operators.end()) {
    chain.operators.push_back(token().text);
    advance();
    chain.parts.push_back((this->*part)());
  }
  return chain;
}

Expression ExpressionParser::disjunction() { return joined(Kind::disjunction, &ExpressionParser::conjunction, {"or"}); }
Expression ExpressionParser::conjunction() { return joined(Kind::conjunction, &ExpressionParser::negation, {"and"}); }

Expression ExpressionParser::negation() {
  if (!sees_name("not")) return comparison();
  const Deeper deeper(*this);
  Expression out = make(Kind::negation);
  advance();
  out.parts.push_back(negation());
  return out;
}

Expression ExpressionParser::comparison() {
  Expression chain = make(Kind::comparison);
  chain.parts.push_back(sum());
  for (;;) {
    std::string op = token().text;
    if (token().kind == Token::Kind::symbol && (op == "==" || op == "!=" || op == "<" || op == "<=" || op == ">" || op == ">=")) {
      advance();
    } else if (sees_name("in")) {
      advance();
    } else if (sees_name("not") && following().kind == Token::Kind::name && following().text == "in") {
      advance();
      advance();
      op = "not in";
    } else {
      break;
    }
    chain.operators.push_back(std::move(op));
    chain.parts.push_back(sum());
  }
  if (chain.operators.empty()) return std::move(chain.parts.front());
  return chain;
}

Expression ExpressionParser::sum() { return joined(Kind::arithmetic, &ExpressionParser::concat, {"+", "-"}); }
Expression ExpressionParser::concat() { return joined(Kind::concat, &ExpressionParser::product, {"~"}); }
Expression ExpressionParser::product() { return joined(Kind::arithmetic, &ExpressionParser::power, {"*", "/", "//", "%"}); }
Expression ExpressionParser::power() {
  Expression first = unary();
  if (!sees("**")) return first;
  Expression chain = make(Kind::arithmetic);
  chain.parts.push_back(std::move(first));
  while (take("**")) {
    chain.operators.push_back("**");
    chain.parts.push_back(unary());
  }
  return chain;
}

Expression ExpressionParser::unary(bool with_filters) {
  Expression out;
  if (sees("-") || sees("+")) {
    const Deeper deeper(*this);
    out = make(Kind::sign);
    out.name = token().text;
    advance();
    out.parts.push_back(unary(false));
  } else {
    out = primary();
  }
  out = postfix(std::move(out));
  return with_filters ? filters(std::move(out)) : out;
}

Expression ExpressionParser::primary() {
  Expression out = make(Kind::constant);
  const Token& t = token();
  switch (t.kind) {
    case Token::Kind::name:
      if (t.text == "true" || t.text == "True" || t.text == "false" || t.text == "False") {
        out.value = Value((t.text[0] | 0x20) == 't');
      } else if (t.text == "none" || t.text == "None") {
        out.value = Value(None{});
      } else {
        out.kind = Kind::name;
        out.name = t.text;
        if (macro_ != nullptr) {
          macro_->more_arguments |= t.text == "varargs";
          macro_->more_keywords |= t.text == "kwargs";
          macro_->takes_caller |= t.text == "caller";
        }
      }
      break;
    case Token::Kind::text: {
      std::string text = t.text;
      for (; following().kind == Token::Kind::text; advance()) text += following().text;
      out.value = Value::of_model(text);
      break;
    }
    case Token::Kind::integer: out.value = Value(t.integer); break;
    case Token::Kind::real: out.value = Value(t.real); break;
    default:
      if (sees("(")) return bracketed(Kind::tuple, ")");
      if (sees("[")) return bracketed(Kind::list, "]");
      if (sees("{")) return dict();
      unexpected("an expression");
  }
  advance();
  return out;
}

Expression ExpressionParser::bracketed(Kind kind, std::string_view close) {
  const Deeper deeper(*this);
  Expression out = make(kind);
  advance();
  bool comma = false;
  while (!sees(close)) {
    out.parts.push_back(expression());
    comma = take(",");
    if (!comma) break;
  }
  need(close);
  if (kind == Kind::tuple && out.parts.size() == 1 && !comma) return std::move(out.parts.front());
  return out;
}

Expression ExpressionParser::dict() {
  const Deeper deeper(*this);
  Expression out = make(Kind::dict);
  advance();
  while (!sees("}")) {
    out.parts.push_back(expression());
    need(":");
    out.parts.push_back(expression());
    if (!take(",")) break;
  }
  need("}");
  return out;
}

Expression ExpressionParser::postfix(Expression subject) {
  for (int links = 0;; ++links) {
    if (links > kMaxNesting) fail("more than 64 attributes and calls in a row");
    Expression out = make(Kind::attribute);
    if (take(".")) {
      if (token().kind == Token::Kind::integer) {
        out.kind = Kind::item;
        out.parts.push_back(std::move(subject));
        Expression index = make(Kind::constant);
        index.value = Value(token().integer);
        out.parts.push_back(std::move(index));
        advance();
      } else {
        out.name = need_name("a name behind \".\"");
        out.parts.push_back(std::move(subject));
      }
    } else if (sees("[")) {
      out = subscript(std::move(subject));
    } else if (take("(")) {
      out.kind = Kind::call;
      out.parts.push_back(std::move(subject));
      out.arguments = arguments();
    } else {
      return subject;
    }
    subject = std::move(out);
  }
}

Expression ExpressionParser::subscript(Expression subject) {
  const Deeper deeper(*this);
  Expression out = make(Kind::item);
  advance();
  std::vector<Expression> limits;
  const auto absent = [&] {
    Expression none = make(Kind::constant);
    none.value = Value(None{});
    return none;
  };
  limits.push_back(sees(":") ? absent() : expression());
  while (take(":")) {
    out.kind = Kind::slice;
    limits.push_back(sees(":") || sees("]") ? absent() : expression());
  }
  need("]");
  if (limits.size() > 3) fail("a slice has at most three parts");
  while (out.kind == Kind::slice && limits.size() < 3) limits.push_back(absent());
  out.parts.push_back(std::move(subject));
  for (Expression& limit : limits) out.parts.push_back(std::move(limit));
  return out;
}

std::vector<Argument> ExpressionParser::arguments() {
  std::vector<Argument> out;
  while (!sees(")")) {
    Argument::Spread spread = Argument::Spread::none;
    std::string keyword;
    if (take("*")) {
      spread = Argument::Spread::items;
    } else if (take("**")) {
      spread = Argument::Spread::pairs;
    } else if (token().kind == Token::Kind::name && following().kind == Token::Kind::symbol && following().text == "=") {
      keyword = token().text;
      advance();
      advance();
    } else if (!out.empty() && (!out.back().keyword.empty() || out.back().spread == Argument::Spread::pairs)) {
      fail("an argument without a name stands behind one with a name");
    }
    out.push_back({std::move(keyword), spread, expression()});
    if (!take(",")) break;
  }
  need(")");
  return out;
}

std::vector<Parameter> ExpressionParser::parameters() {
  std::vector<Parameter> out;
  while (!sees(")")) {
    Parameter parameter{need_name("a parameter's name"), {}};
    if (take("=")) {
      parameter.fallback.push_back(expression());
    } else if (!out.empty() && !out.back().fallback.empty()) {
      fail("a parameter without a default stands behind one with a default");
    }
    out.push_back(std::move(parameter));
    if (!take(",")) break;
  }
  need(")");
  return out;
}

Expression ExpressionParser::filters(Expression subject) {
  for (int links = 0;; ++links) {
    if (links > kMaxNesting) fail("more than 64 filters in a row");
    if (take("|")) {
      subject = filter(std::move(subject));
    } else if (sees_name("is")) {
      subject = test(std::move(subject));
    } else if (take("(")) {
      Expression call = make(Kind::call);
      call.parts.push_back(std::move(subject));
      call.arguments = arguments();
      subject = std::move(call);
    } else {
      return subject;
    }
  }
}

Expression ExpressionParser::filter(Expression subject) {
  Expression out = make(Kind::filter);
  out.name = need_name("a filter's name");
  while (take(".")) out.name += "." + need_name("a filter's name");
  out.parts.push_back(std::move(subject));
  if (take("(")) out.arguments = arguments();
  return out;
}

Expression ExpressionParser::test(Expression subject) {
  Expression out = make(Kind::test);
  advance();
  const bool negated = take_name("not");
  out.name = need_name("a test's name");
  while (take(".")) out.name += "." + need_name("a test's name");
  out.parts.push_back(std::move(subject));
  const Token& t = token();
  const bool begins = t.kind == Token::Kind::name || t.kind == Token::Kind::text || t.kind == Token::Kind::integer ||
                      t.kind == Token::Kind::real || sees("[") || sees("{");
  if (take("(")) {
    out.arguments = arguments();
  } else if (sees_name("is")) {
    fail("tests cannot be chained with \"is\"");
  } else if (begins && !sees_name("else") && !sees_name("or") && !sees_name("and")) {
    out.arguments.push_back({"", Argument::Spread::none, postfix(primary())});
  }
  if (!negated) return out;
  Expression opposite = make(Kind::negation);
  opposite.line = out.line;
  opposite.parts.push_back(std::move(out));
  return opposite;
}

Expression ExpressionParser::body_filter() {
  Expression out = filter(make(Kind::body));
  return filters(std::move(out));
}

Expression ExpressionParser::target(bool only_names) {
  Expression tuple = make(Kind::tuple);
  bool comma = false;
  const bool bracket = take("(");
  do {
    if (sees(")") || sees("=") || sees_name("in") || token().kind == Token::Kind::block_end) break;
    Expression name = make(Kind::name);
    name.name = need_name("a name");
    for (const std::string_view constant : {"true", "false", "none", "True", "False", "None"})
      if (name.name == constant) fail(base::quoted(constant) + " cannot be set");
    if (!only_names && take(".")) {
      Expression attribute = make(Kind::attribute);
      attribute.name = need_name("a name behind \".\"");
      attribute.parts.push_back(std::move(name));
      name = std::move(attribute);
    }
    tuple.parts.push_back(std::move(name));
    comma = take(",");
  } while (comma);
  if (bracket) need(")");
  if (tuple.parts.empty()) unexpected("a name");
  if (tuple.parts.size() == 1 && !comma) return std::move(tuple.parts.front());
  return tuple;
}

}  // namespace rustml::chat
