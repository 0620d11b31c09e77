// A template as a tree. It is made once for a model and read by any thread.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "chat/value.h"

namespace rustml::chat {

struct Argument;

struct Expression {
  enum class Kind : uint8_t {
    constant,     // value
    name,         // name
    list,         // parts
    tuple,        // parts
    dict,         // parts: key, value, key, value, …
    attribute,    // parts[0] . name
    item,         // parts[0] [ parts[1] ]
    slice,        // parts[0] [ parts[1] : parts[2] : parts[3] ], absent ones are None
    call,         // parts[0] ( arguments )
    filter,       // parts[0] | name ( arguments )
    test,         // parts[0] is name ( arguments )
    sign,         // name "-" or "+", parts[0]
    negation,     // not parts[0]
    arithmetic,   // parts joined by operators, from the left
    concat,       // parts joined by ~
    comparison,   // parts joined by operators
    conjunction,  // parts joined by and
    disjunction,  // parts joined by or
    conditional,  // parts[1] if parts[0] else parts[2]; without the last: undefined
    body          // the text of the block around it, which a filter works on
  };
  Kind kind;
  int line;
  std::string name;
  Value value;
  std::vector<Expression> parts;
  std::vector<std::string> operators;  // one fewer than parts
  std::vector<Argument> arguments;
};

struct Argument {
  enum class Spread : uint8_t { none, items, pairs };  // *x, **x
  std::string keyword;                                 // empty: by place
  Spread spread;
  Expression value;
};

struct Statement;
using Body = std::vector<Statement>;

struct Parameter {
  std::string name;
  std::vector<Expression> fallback;  // one or none
};

struct Statement {
  enum class Kind : uint8_t {
    text,       // text
    output,     // {{ expressions[0] }}
    loop,       // for targets[0] in expressions[0] [if expressions[1]]: bodies[0], else bodies[1]
    condition,  // if, elif: expressions[i] → bodies[i]; one body more: else
    set,        // targets[0] = expressions[0]
    set_block,  // targets[0] = expressions[0] of the body's text
    macro,      // name(parameters): bodies[0]
    call,       // expressions[0] is a call that gets bodies[0] as caller(parameters)
    filter,     // expressions[0] of the body's text
    with,       // targets[i] = expressions[i] inside bodies[0]
    stop,       // break
    next        // continue
  };
  Kind kind;
  int line;
  std::string text;  // also a macro's name
  std::vector<Expression> targets, expressions;
  std::vector<Body> bodies;
  std::vector<Parameter> parameters;
  bool recursive = false;       // of a loop
  bool more_arguments = false;  // a macro's body speaks of varargs
  bool more_keywords = false;   // … of kwargs
  bool takes_caller = false;    // … of caller
};

}  // namespace rustml::chat
