// What a template computes with: Python's values as far as templates see them. Lists and dictionaries cannot change once they are made,
// as in the sandbox that templates are written for; only a namespace can.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "chat/text.h"

namespace rustml::chat {

class Value;
using Pairs = std::vector<std::pair<Value, Value>>;

// A name or attribute that does not exist; `what` says which, as Jinja words it.
struct Undefined {
  std::string what;
};
struct None {};

// group: a tuple of the filter groupby, with names for its two items; an iterator has neither length nor index; keys, values and items,
// which the methods of a dictionary return, have no index.
enum class ListShape : uint8_t { list, tuple, group, iterator, keys, values, items };
struct ListObject;
struct DictObject;
struct Namespace;
struct Function;

class Value {
 public:
  // Order of the alternatives.
  enum class Kind : uint8_t { undefined, none, boolean, integer, real, text, list, dict, space, function };

  Value() = default;  // undefined without a name
  Value(None) : data_(None{}) {}
  Value(bool value) : data_(value) {}
  Value(int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(Text text, bool markup = false) : data_(TextRef{std::make_shared<const Text>(std::move(text)), markup}) {}
  Value(Namespace* space) : data_(space) {}
  Value(const void*) = delete;  // else a pointer would be a boolean
  static Value undefined(std::string what);
  static Value of_model(std::string_view text) { return Value(Text::of_model(text)); }
  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items);
  static Value iterator(std::vector<Value> items);
  static Value of_shape(std::vector<Value> items, ListShape shape);
  static Value dict(Pairs pairs);
  static Value function(Function function);

  Kind kind() const noexcept { return static_cast<Kind>(data_.index()); }
  bool is(Kind kind) const noexcept { return this->kind() == kind; }
  bool is_number() const noexcept { return is(Kind::boolean) || is(Kind::integer) || is(Kind::real); }

  const Undefined& as_undefined() const;
  bool as_boolean() const { return std::get<bool>(data_); }
  int64_t as_integer() const { return is(Kind::boolean) ? static_cast<int64_t>(as_boolean()) : std::get<int64_t>(data_); }
  double as_real() const { return is(Kind::real) ? std::get<double>(data_) : static_cast<double>(as_integer()); }
  const Text& as_text() const { return *std::get<TextRef>(data_).text; }
  bool is_markup() const { return is(Kind::text) && std::get<TextRef>(data_).markup; }
  bool is_indexed() const;  // a list, tuple or group
  bool is_iterator() const;
  const ListObject& as_list() const { return *std::get<std::shared_ptr<const ListObject>>(data_); }
  const std::vector<Value>& items() const;
  const DictObject& as_dict() const { return *std::get<std::shared_ptr<const DictObject>>(data_); }
  const Pairs& pairs() const;
  Namespace& as_space() const { return *std::get<Namespace*>(data_); }
  const Function& as_function() const { return *std::get<std::shared_ptr<const Function>>(data_); }

 private:
  using UndefinedRef = std::shared_ptr<const Undefined>;  // empty: without a name
  struct TextRef {
    std::shared_ptr<const Text> text;
    bool markup;
  };
  std::variant<UndefinedRef, None, bool, int64_t, double, TextRef, std::shared_ptr<const ListObject>, std::shared_ptr<const DictObject>,
               Namespace*, std::shared_ptr<const Function>>
      data_;
};

// Lists of lists of lists …: at most this deep, so that walking and destroying them needs little stack.
constexpr int kMaxValueDepth = 128;

struct ListObject {
  using Shape = ListShape;
  std::vector<Value> items;
  Shape shape;
  int depth;                 // of the deepest item, and one
  uint64_t weight;           // see weight()
  mutable size_t taken = 0;  // of an iterator: its items that were seen, which do not come again
};

struct DictObject {
  Pairs pairs;  // in the order of insertion
  int depth;
  uint64_t weight;
};

// Lives as long as the rendering.
struct Namespace {
  std::vector<std::pair<std::string, Value>> attributes;
};

// Something to be called: a global, a method of `receiver`, a macro by its number, or the loop that a body is of.
struct Function {
  enum class Kind : uint8_t { global, method, macro, loop };
  Kind kind;
  std::string name;
  Value receiver;
  size_t number = 0;
};

inline const std::vector<Value>& Value::items() const { return as_list().items; }
inline bool Value::is_indexed() const { return is(Kind::list) && as_list().shape <= ListShape::group; }
inline bool Value::is_iterator() const { return is(Kind::list) && as_list().shape == ListShape::iterator; }
inline const Pairs& Value::pairs() const { return as_dict().pairs; }

// Python's name of the type, for messages: "str", "NoneType".
std::string_view type_name(const Value& value);
bool truth(const Value& value);
// The steps that walking the whole value takes. A list that is in itself many times over, by way of others, can weigh more than there is
// time for: whoever compares or shows values counts first.
uint64_t weight(const Value& value);
bool equal(const Value& a, const Value& b);
// < 0, 0, > 0; nothing: the two cannot be ordered.
std::optional<int> compare(const Value& a, const Value& b);
// The entry of a dictionary; nullptr: none.
const Value* find(const Value& dict, const Value& key);
const Value* find(const Value& dict, std::string_view key);

// str(value) and repr(value).
Text to_text(const Value& value);
Text to_repr(const Value& value);
// repr(float).
std::string real_text(double value);

}  // namespace rustml::chat
