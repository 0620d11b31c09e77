// Runs a template. Templates come from strangers: steps, depth, and bytes are bounded, and the call's limits reach inside.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "chat/template_ast.h"
#include "runtime/deadline.h"

namespace rustml::chat {

// What a template may take; above it, RESOURCE_EXHAUSTED.
struct Limits {
  uint64_t steps = 1'000'000;
  uint64_t bytes = 4u << 20;  // of all texts and lists it makes, beyond what the caller's data has
  int depth = 200;            // of evaluation: expressions, blocks and macros inside each other
  bool shows_lists = true;    // else a list or dictionary that is shown as text is a fault
};

// The evaluated arguments of a call, filter or test.
struct Arguments {
  std::vector<Value> items;
  std::vector<std::pair<std::string, Value>> named;

  // Argument `place` (from 0), or the one of that name; nullptr: neither is given.
  const Value* find(size_t place, std::string_view name) const;
};

class Renderer {
 public:
  Renderer(const Limits& limits, runtime::StopSignal& stop) : limits_(limits), stop_(stop) {}
  Renderer(const Renderer&) = delete;

  // Variables of the whole template.
  void set(std::string_view name, Value value);
  // Seconds since 1970 for strftime_now; the system's time without it.
  void set_time(int64_t seconds) { time_ = seconds; }

  Text render(const Body& body);

  // For filters, tests and methods.

  // A fault at the place that is being evaluated.
  [[noreturn]] void fail(const std::string& problem) const;  // of the messages: INVALID_ARGUMENT
  [[noreturn]] void fail(base::Status status, const std::string& problem) const;
  [[noreturn]] void unsupported(const std::string& what) const;  // UNIMPLEMENTED
  // n more steps, or a text or list of that size.
  void count(uint64_t n = 1);
  void count_bytes(uint64_t n);
  // The items that a loop over the value sees: of a list, a dictionary's keys, a text's characters. "'int' object is not iterable".
  std::vector<Value> iterate(const Value& value);
  uint64_t length(const Value& value);
  // x.name and x[key]; undefined where there is none.
  Value attribute(const Value& value, const std::string& name);
  Value item(const Value& value, const Value& key);
  // An attribute path as filters take it: "a.b.0", or a number.
  Value path(const Value& value, const Value& path);
  Value call(const Value& callee, const Arguments& arguments);
  // a + b, a < b, …: Python's, with its faults.
  Value arithmetic(std::string_view op, const Value& a, const Value& b);
  bool in_order(std::string_view op, const Value& a, const Value& b);  // "<", "<=", ">", ">="
  bool equals(const Value& a, const Value& b);
  bool contains(const Value& container, const Value& item);
  // str(value); what Python shows as an address is not supported.
  Text text(const Value& value);
  int64_t integer(const Value& value, const char* what);
  void check_key(const Value& key);  // of a dictionary: neither a list nor a dictionary, in tuples too
  // Adds an entry, or replaces the one of that key.
  void put(Pairs& pairs, const Value& key, Value value);
  std::optional<int64_t> time() const noexcept { return time_; }

 private:
  using Variables = std::vector<std::pair<std::string, Value>>;
  struct Scope {
    Scope* outer;
    Variables variables;
  };
  struct Macro {
    const Statement* statement;
    Variables captured;  // of the scopes around it, but for the outermost
  };
  struct Loop;
  enum class Flow : uint8_t { on, stop, next };
  // One level of evaluation at a line, as long as it lives.
  class Nested {
   public:
    Nested(Renderer& renderer, int line);
    ~Nested() {
      --renderer_.depth_;
      renderer_.line_ = outer_line_;
    }
    Nested(const Nested&) = delete;

   private:
    Renderer& renderer_;
    const int outer_line_;
  };

  Flow run(const Body& body, Scope& scope, Text& out);
  Flow run(const Statement& statement, Scope& scope, Text& out);
  Flow run_condition(const Statement& statement, Scope& scope, Text& out);
  void run_loop(const Statement& statement, std::vector<Value> items, Scope& scope, int depth, Text& out);
  std::vector<Value> loop_items(const Statement& statement, const Value& iterable, Scope& scope);
  void run_call(const Statement& statement, Scope& scope, Text& out);
  void run_with(const Statement& statement, Scope& scope, Text& out);
  Text body_text(const Body& body, Scope& scope);
  void assign(const Expression& target, const Value& value, Scope& scope);
  Value make_macro(const Statement& statement, Scope& scope);
  Value call_macro(const Function& function, const Arguments& arguments);
  static bool is_global(std::string_view name) noexcept;
  Value make_range(const Arguments& arguments);
  Value call_global(const std::string& name, const Arguments& arguments);
  Value call_loop(const Function& function, const Arguments& arguments);

  Value evaluate(const Expression& expression, Scope& scope);
  Value evaluate_name(const Expression& expression, Scope& scope);
  Value evaluate_dict(const Expression& expression, Scope& scope);
  Value evaluate_slice(const Expression& expression, Scope& scope);
  Value evaluate_chain(const Expression& expression, Scope& scope);
  Value evaluate_comparison(const Expression& expression, Scope& scope);
  Value evaluate_filtered(const Expression& expression, const Value& body, Scope& scope);
  Arguments evaluate_arguments(const std::vector<Argument>& arguments, Scope& scope);
  std::vector<Value> evaluate_all(const std::vector<Expression>& parts, Scope& scope);
  Value loop_attribute(const Value& loop, const std::string& name);
  Loop& running(const Function& loop);
  Value repeated(const Value& value, int64_t times);
  Value sum(const Value& a, const Value& b);
  Value markup_values(const Value& values);
  double real_power(double x, double y) const;
  Value number(std::string_view op, const Value& a, const Value& b);

  const Limits limits_;
  runtime::StopSignal& stop_;
  std::optional<int64_t> time_;
  uint64_t steps_ = 0, bytes_ = 0;
  int depth_ = 0;
  int line_ = 1;
  Scope root_{nullptr, {}};
  const Value* body_ = nullptr;  // what Expression::Kind::body stands for
  std::vector<std::unique_ptr<Macro>> macros_;
  std::vector<Loop*> loops_;  // by number; those that have ended are nullptr
  std::deque<Namespace> spaces_;
};

}  // namespace rustml::chat
