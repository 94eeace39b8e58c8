// Value.h - what a template computes with: Python's None, bool, int, float, str, list, tuple, dict and what Jinja adds.
//
// Values are cheap to copy and never change, but for namespaces and iterators. What holds other values knows how deep
// it is nested, and none is nested deeper than `maxDepth`, so that printing, comparing and freeing need little stack.
// Namespaces and macros belong to the rendering (see Objects.h) and are held by plain pointers: only they could form
// cycles.

#ifndef QUOIN_RUNTIME_TEMPLATE_VALUE_H
#define QUOIN_RUNTIME_TEMPLATE_VALUE_H

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quoin::jinja {

/// Thrown inside of the library when a template cannot go on.
struct Problem {
  std::string text;
  int line = 0; ///< 0: not known yet; who knows it fills it in.
};
[[noreturn]] void fail(std::string text);

enum class Kind : uint8_t {
  Undefined,
  None,
  Bool,
  Int,
  Float,
  String,
  List,
  Tuple,
  Dict,
  Range,
  View,     ///< What `keys`, `values` and `items` of a dict give.
  Iterator, ///< Gives its items once.
  Function,
  Macro,
  Namespace,
  Loop,
};

/// What a value points to. The text of an undefined value says what it was.
struct Object {
  int depth = 0;
  virtual ~Object() = default;
};

struct Text : Object {
  std::string text;
};

class Value {
public:
  static constexpr int maxDepth = 200;

  Value() = default; ///< Undefined.
  static Value undefined(std::string what);
  static Value none() { return Value(Kind::None); }
  Value(bool value) : kindOf(Kind::Bool), number(value) {}
  Value(int64_t value) : kindOf(Kind::Int), number(value) {}
  Value(double value) : kindOf(Kind::Float), real(value) {}
  Value(std::string text);
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char *text) : Value(std::string(text)) {}
  Value(Kind kind, std::shared_ptr<Object> object) : kindOf(kind), object(std::move(object)) {}
  /// A namespace or macro, which the rendering owns.
  Value(Kind kind, Object *owned) : kindOf(kind), pointer(owned) {}
  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items);

  Kind kind() const { return kindOf; }
  bool is(Kind kind) const { return kindOf == kind; }
  bool isNumber() const { return is(Kind::Int) || is(Kind::Float) || is(Kind::Bool); }
  bool isWhole() const { return is(Kind::Int) || is(Kind::Bool); }
  bool isSequence() const { return is(Kind::List) || is(Kind::Tuple); }
  /// A text that filters `safe` and `escape` made: what it is joined with is escaped.
  bool isMarkup() const { return markup; }
  Value asMarkup() const {
    Value copy = *this;
    copy.markup = true;
    return copy;
  }

  /// Of an Int or Bool, and of any number.
  int64_t whole() const { return number; }
  double floating() const { return is(Kind::Float) ? real : static_cast<double>(number); }
  /// Of a String.
  const std::string &text() const { return static_cast<const Text &>(*object).text; }
  /// Of a List or Tuple.
  const std::vector<Value> &items() const;
  template <typename T> T &as() const { return static_cast<T &>(owner()); }
  int depth() const { return object ? object->depth : 0; }
  bool sameObject(const Value &other) const { return &owner() == &other.owner(); }
  bool hasObject() const { return object || pointer; }
  std::shared_ptr<Object> share() const { return object; }

  /// Python's truth.
  bool truth() const;
  /// "a list", for messages.
  const char *kindName() const;
  /// Python's name of the type, for messages of missing attributes.
  const char *typeName() const;

private:
  explicit Value(Kind kind) : kindOf(kind) {}
  Object &owner() const { return object ? *object : *pointer; }

  Kind kindOf = Kind::Undefined;
  bool markup = false;
  union {
    int64_t number = 0;
    double real;
    Object *pointer;
  };
  std::shared_ptr<Object> object;
};

struct Sequence : Object {
  std::vector<Value> items;
  /// Of a tuple with names, as `groupby` makes; else empty.
  std::vector<std::string> names;
};

/// One more than the deepest of what an object is to hold; fails if that is too deep.
int nest(int depth);
inline int nest(const Value &value, int depth = 1) { return std::max(depth, nest(value.depth() + 1)); }

/// Python's `==`, which is false for different types but numbers, and `<` of numbers, texts and sequences.
bool equal(const Value &left, const Value &right);
bool less(const Value &left, const Value &right);
/// `str` and `repr`. Fail for what has no text of its own, such as a generator.
std::string str(const Value &value);
std::string repr(const Value &value);
void appendStr(const Value &value, std::string &out);

} // namespace quoin::jinja

#endif // QUOIN_RUNTIME_TEMPLATE_VALUE_H
