// Reads expressions off a template's tokens.
#pragma once
#include <string_view>
#include <vector>

#include "chat/template_ast.h"
#include "chat/template_lexer.h"

namespace rustml::chat {

// Brackets, blocks and signs inside each other: at most this deep.
constexpr int kMaxNesting = 64;

class ExpressionParser {
 public:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // One expression, or several with commas between them, which are a tuple.
  Expression expressions(bool with_condition = true);
  Expression expression(bool with_condition = true);
  // name, a.b (of a namespace) or several names with commas.
  Expression target(bool only_names);
  // filter and all filters behind it, working on the body around it.
  Expression body_filter();
  std::vector<Argument> arguments();    // behind "("
  std::vector<Parameter> parameters();  // likewise

 protected:
  const Token& token() const { return tokens_[at_]; }
  const Token& following() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  bool sees(std::string_view symbol) const { return token().kind == Token::Kind::symbol && token().text == symbol; }
  bool sees_name(std::string_view name) const { return token().kind == Token::Kind::name && token().text == name; }
  bool take(std::string_view symbol);
  bool take_name(std::string_view name);
  void need(std::string_view symbol);
  std::string need_name(const char* what);
  void advance() { at_ += at_ + 1 < tokens_.size(); }
  [[noreturn]] void fail(const std::string& problem) const;
  [[noreturn]] void unexpected(const char* wanted) const;

  // Counts what lies inside each other while it lives.
  class Deeper {
   public:
    explicit Deeper(ExpressionParser& parser);
    ~Deeper() { --parser_.depth_; }
    Deeper(const Deeper&) = delete;

   private:
    ExpressionParser& parser_;
  };

  // What the innermost macro's body speaks of.
  Statement* macro_ = nullptr;

 private:
  Expression make(Expression::Kind kind) const { return {kind, token().line, {}, {}, {}, {}, {}}; }
  Expression joined(Expression::Kind kind, Expression (ExpressionParser::*part)(), std::initializer_list<std::string_view> operators);
  Expression disjunction();
  Expression conjunction();
  Expression negation();
  Expression comparison();
  Expression sum();
  Expression concat();
  Expression product();
  Expression power();
  Expression unary(bool with_filters = true);
  Expression primary();
  Expression postfix(Expression subject);
  Expression filters(Expression subject);
  Expression filter(Expression subject);
  Expression test(Expression subject);
  Expression subscript(Expression subject);
  Expression bracketed(Expression::Kind kind, std::string_view close);
  Expression dict();

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace rustml::chat
