#include "chat/template_parser.h"

#include <algorithm>

#include "chat/expression_parser.h"
#include "chat/filters.h"
#include "chat/template_error.h"
#include "chat/tests.h"

namespace rustml::chat {
namespace {

using Kind = Statement::Kind;
using base::Status;

class Parser : ExpressionParser {
 public:
  explicit Parser(std::string_view source) : ExpressionParser(cut(source)) {}

  Body whole() {
    Body body = statements({});
    if (token().kind != Token::Kind::end) fail("{% " + token().text + " %} has no beginning");
    return body;
  }

 private:
  using Names = std::initializer_list<std::string_view>;

  // Up to the tag of one of these names, whose name is the next token.
  Body statements(Names ends) {
    const Deeper deeper(*this);
    Body body;
    for (;;) {
      switch (token().kind) {
        case Token::Kind::data:
          body.push_back(make(Kind::text));
          body.back().text = token().text;
          advance();
          break;
        case Token::Kind::output_begin: {
          Statement output = make(Kind::output);
          advance();
          output.expressions.push_back(expressions());
          if (token().kind != Token::Kind::output_end) unexpected("\"}}\"");
          advance();
          body.push_back(std::move(output));
          break;
        }
        case Token::Kind::block_begin: {
          advance();
          if (token().kind != Token::Kind::name) unexpected("a tag's name");
          const std::string& name = token().text;
          if (std::find(ends.begin(), ends.end(), name) != ends.end()) return body;
          if (name.starts_with("end") || name == "else" || name == "elif") fail("{% " + name + " %} stands where none is expected");
          body.push_back(tag());
          break;
        }
        default:
          if (ends.size() > 0) fail("the template ends, but {% " + std::string(*ends.begin()) + " %} is missing");
          return body;
      }
    }
  }

  Statement make(Kind kind) const {
    Statement out;
    out.kind = kind;
    out.line = token().line;
    return out;
  }
  void end_of_tag() {
    if (token().kind != Token::Kind::block_end) unexpected("\"%}\"");
    advance();
  }
  // The body up to {% end %}, which is taken too.
  Body body_until(std::string_view end) {
    end_of_tag();
    Body body = statements({end});
    advance();
    end_of_tag();
    return body;
  }

  Statement tag() {
    const std::string name = token().text;
    if (name == "for") return loop();
    if (name == "if") return condition();
    if (name == "set") return set();
    if (name == "macro") return macro();
    if (name == "call") return call();
    if (name == "with") return with();
    if (name == "filter" || name == "generation") {
      Statement out = make(name == "filter" ? Kind::filter : Kind::with);
      advance();
      if (name == "filter") out.expressions.push_back(body_filter());
      out.bodies.push_back(body_until("end" + name));
      return out;
    }
    if (name == "break" || name == "continue") {
      if (loops_ == 0) fail("{% " + name + " %} stands outside of a loop");
      Statement out = make(name == "break" ? Kind::stop : Kind::next);
      advance();
      end_of_tag();
      return out;
    }
    fail("{% " + name + " %} is not supported; for, if, set, macro, call, filter, with, generation, raw, break and continue are");
  }

  Statement loop() {
    Statement out = make(Kind::loop);
    advance();
    out.targets.push_back(target(true));
    if (!take_name("in")) unexpected("\"in\"");
    out.expressions.push_back(expressions(false));
    if (take_name("if")) out.expressions.push_back(expression());
    out.recursive = take_name("recursive");
    end_of_tag();
    ++loops_;
    out.bodies.push_back(statements({"endfor", "else"}));
    --loops_;
    if (take_name("else")) {
      end_of_tag();
      out.bodies.push_back(statements({"endfor"}));
    }
    advance();
    end_of_tag();
    return out;
  }

  Statement condition() {
    Statement out = make(Kind::condition);
    for (;;) {  // at "if" or "elif"
      advance();
      out.expressions.push_back(expressions());
      end_of_tag();
      out.bodies.push_back(statements({"endif", "elif", "else"}));
      if (sees_name("elif")) continue;
      if (take_name("else")) {
        end_of_tag();
        out.bodies.push_back(statements({"endif"}));
      }
      advance();
      end_of_tag();
      return out;
    }
  }

  Statement set() {
    Statement out = make(Kind::set);
    advance();
    out.targets.push_back(target(false));
    if (take("=")) {
      out.expressions.push_back(expressions());
      end_of_tag();
      return out;
    }
    out.kind = Kind::set_block;
    if (take("|")) out.expressions.push_back(body_filter());
    out.bodies.push_back(body_until("endset"));
    return out;
  }

  // The body of a macro or a call, which may speak of its arguments.
  void read_macro(Statement& out, std::string_view end) {
    Statement* const outer = macro_;
    const int loops = loops_;
    macro_ = &out;
    loops_ = 0;
    out.bodies.push_back(body_until(end));
    loops_ = loops;
    macro_ = outer;
    if (outer != nullptr) {  // what a macro inside speaks of counts as if the outer one did
      outer->more_arguments |= out.more_arguments;
      outer->more_keywords |= out.more_keywords;
      outer->takes_caller |= out.takes_caller;
    }
  }

  Statement macro() {
    Statement out = make(Kind::macro);
    advance();
    out.text = need_name("a macro's name");
    need("(");
    out.parameters = parameters();
    read_macro(out, "endmacro");
    return out;
  }

  Statement call() {
    Statement out = make(Kind::call);
    advance();
    if (take("(")) out.parameters = parameters();
    out.text = "caller";
    out.expressions.push_back(expression());
    if (out.expressions[0].kind != Expression::Kind::call) fail("{% call %} needs a call");
    read_macro(out, "endcall");
    return out;
  }

  Statement with() {
    Statement out = make(Kind::with);
    advance();
    while (token().kind != Token::Kind::block_end) {
      out.targets.push_back(target(true));
      need("=");
      out.expressions.push_back(expression());
      if (!take(",")) break;
    }
    out.bodies.push_back(body_until("endwith"));
    return out;
  }

  int loops_ = 0;
};

// A filter or test that does not exist is a fault of the template, except in a condition's parts: there only when it is reached.
void check_names(const Expression& e, bool in_condition) {
  if (!in_condition && e.kind == Expression::Kind::filter && !is_filter(e.name))
    template_error(Status::unimplemented, e.line, "there is no filter " + base::quoted(e.name));
  if (!in_condition && e.kind == Expression::Kind::test && !is_test(e.name))
    template_error(Status::unimplemented, e.line, "there is no test " + base::quoted(e.name));
  in_condition |= e.kind == Expression::Kind::conditional;
  for (const Expression& part : e.parts) check_names(part, in_condition);
  for (const Argument& argument : e.arguments) check_names(argument.value, in_condition);
}

void check_names(const Body& body, bool in_condition) {
  for (const Statement& s : body) {
    const bool condition = s.kind == Kind::condition;
    for (const Expression& e : s.expressions) check_names(e, in_condition || condition);
    for (const Parameter& parameter : s.parameters)
      for (const Expression& e : parameter.fallback) check_names(e, false);
    for (const Body& inner : s.bodies) check_names(inner, condition);
  }
}

}  // namespace

Body parse_template(std::string_view source) {
  Body body = Parser(source).whole();
  check_names(body, false);
  return body;
}

}  // namespace rustml::chat
