// The functions that a template can call by name, and those of a loop.
#include <algorithm>
#include <chrono>

#include "base/json_writer.h"
#include "chat/loop.h"
#include "chat/methods.h"

namespace rustml::chat {
namespace {

constexpr std::string_view kGlobals[] = {"range", "dict", "namespace", "raise_exception", "strftime_now"};
constexpr uint64_t kMostBytesOfTime = 16;  // that a byte of a format becomes at most: "%c" becomes 24
constexpr int64_t kMostRange = 100000;     // as Jinja's sandbox has it

}  // namespace

bool Renderer::is_global(std::string_view name) noexcept { return std::ranges::count(kGlobals, name) != 0; }

Value Renderer::make_range(const Arguments& arguments) {
  if (!arguments.named.empty() || arguments.items.empty() || arguments.items.size() > 3) fail("range expected 1 to 3 arguments");
  int64_t limits[3] = {0, 0, 1};  // begin, end, step
  const bool only_end = arguments.items.size() == 1;
  for (size_t i = 0; i < arguments.items.size(); ++i) limits[only_end ? 1 : i] = integer(arguments.items[i], "a limit of range");
  const auto [begin, end, step] = limits;
  if (step == 0) fail("range() arg 3 must not be zero");
  const bool empty = step > 0 ? begin >= end : begin <= end;
  // As unsigned numbers, whose difference always fits.
  const uint64_t distance = empty      ? 0
                            : step > 0 ? static_cast<uint64_t>(end) - static_cast<uint64_t>(begin)
                                       : static_cast<uint64_t>(begin) - static_cast<uint64_t>(end);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const uint64_t n = distance == 0 ? 0 : (distance - 1) / stride + 1;
  if (n > static_cast<uint64_t>(kMostRange)) fail("Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
  count(n);
  count_bytes(n * sizeof(Value));
  std::vector<Value> items;
  for (uint64_t i = 0; i < n; ++i) items.emplace_back(begin + static_cast<int64_t>(i) * step);
  return Value::list(std::move(items));
}

Value Renderer::call_global(const std::string& name, const Arguments& arguments) {
  if (name == "range") return make_range(arguments);
  if (name == "raise_exception") {
    const Value* message = arguments.find(0, "message");
    if (message == nullptr) fail("raise_exception() missing 1 required argument: 'message'");
    const std::string said = text(*message).bytes();
    base::fail(base::Status::invalid_argument, "chat template, line " + std::to_string(line_) + ": it refuses the messages: " + said,
               "{\"line\":" + std::to_string(line_) + ",\"raised\":" + base::json_string(said) + "}");
  }
  if (name == "strftime_now") {
    const Value* format = arguments.find(0, "format");
    if (format == nullptr || !format->is(Value::Kind::text)) fail("strftime_now() needs a text as its argument");
    const int64_t now =
        time_ ? *time_ : std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    count_bytes(kMostBytesOfTime * format->as_text().size());
    const std::string shown = format_time(format->as_text().bytes(), now);
    return Value::of_model(shown);
  }
  // dict and namespace: of another dictionary or of pairs, and of names.
  Pairs pairs;
  if (arguments.items.size() > 1) fail(name + " expected at most 1 argument, got " + std::to_string(arguments.items.size()));
  if (!arguments.items.empty()) {
    const Value& from = arguments.items[0];
    if (from.is(Value::Kind::dict)) {
      pairs = from.pairs();
    } else {
      for (const Value& entry : iterate(from)) {
        const std::vector<Value> pair = iterate(entry);
        if (pair.size() != 2) fail("dictionary update sequence element has length " + std::to_string(pair.size()) + "; 2 is required");
        put(pairs, pair[0], pair[1]);
      }
    }
  }
  for (const auto& [key, value] : arguments.named) put(pairs, Value::of_model(key), value);
  count_bytes(pairs.size() * sizeof pairs[0]);
  if (name == "dict") return Value::dict(std::move(pairs));
  Namespace& space = spaces_.emplace_back();
  for (auto& [key, value] : pairs) {
    std::string known = text(key).bytes();
    if (known.starts_with('_')) fail("a namespace takes no name that begins with \"_\", like " + base::quoted(known));
    space.attributes.emplace_back(std::move(known), std::move(value));
  }
  return Value(&space);
}

Renderer::Loop& Renderer::running(const Function& loop) {
  Loop* const found = loops_[loop.number];
  if (found == nullptr) fail("a loop is used after its end");
  return *found;
}

Value Renderer::loop_attribute(const Value& value, const std::string& name) {
  const Loop& loop = running(value.as_function());
  const auto index = static_cast<int64_t>(loop.index), n = static_cast<int64_t>(loop.items.size());
  if (name == "index") return Value(index + 1);
  if (name == "index0") return Value(index);
  if (name == "revindex") return Value(n - index);
  if (name == "revindex0") return Value(n - index - 1);
  if (name == "first") return Value(index == 0);
  if (name == "last") return Value(index == n - 1);
  if (name == "length") return Value(n);
  if (name == "depth") return Value(int64_t{loop.depth});
  if (name == "depth0") return Value(int64_t{loop.depth - 1});
  if (name == "previtem") return index > 0 ? loop.items[loop.index - 1] : Value::undefined("there is no previous item");
  if (name == "nextitem") return index + 1 < n ? loop.items[loop.index + 1] : Value::undefined("there is no next item");
  if (name == "cycle" || name == "changed") return Value::function({Function::Kind::method, name, value, 0});
  return Value::undefined("'LoopContext object' has no attribute '" + name + "'");
}

// loop(items), loop.cycle(…), loop.changed(…).
Value Renderer::call_loop(const Function& function, const Arguments& arguments) {
  if (function.kind == Function::Kind::loop) {
    Loop& loop = running(function);
    if (!loop.statement->recursive) fail("the loop must have the 'recursive' marker to be called");
    if (arguments.items.size() != 1) fail("a recursive loop takes one argument");
    const Nested nested(*this, line_);
    Text out;
    run_loop(*loop.statement, loop_items(*loop.statement, arguments.items[0], *loop.scope), *loop.scope, loop.depth + 1, out);
    return Value(std::move(out));
  }
  Loop& loop = running(function.receiver.as_function());
  if (function.name == "cycle") {
    if (arguments.items.empty()) fail("no items for cycling given");
    return arguments.items[loop.index % arguments.items.size()];
  }
  const bool same = loop.seen && loop.last_seen.size() == arguments.items.size() &&
                    std::equal(loop.last_seen.begin(), loop.last_seen.end(), arguments.items.begin(), equal);
  loop.seen = true;
  loop.last_seen = arguments.items;
  return Value(!same);
}

}  // namespace rustml::chat
