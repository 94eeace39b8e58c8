// Value.cpp - truth, equality, order and printing, as Python has them.

#include "runtime/template/Value.h"
#include "runtime/template/Objects.h"
#include "runtime/template/Text.h"

#include <cmath>

using namespace quoin::jinja;

void quoin::jinja::fail(std::string text) { throw Problem{std::move(text)}; }

int quoin::jinja::nest(int depth) {
  if (depth > Value::maxDepth)
    fail("expects values nested at most " + std::to_string(Value::maxDepth) + " deep, but these are deeper");
  return depth;
}

//===----------------------------------------------------------------------===//
// Making values
//===----------------------------------------------------------------------===//

Value::Value(std::string text) : kindOf(Kind::String) {
  auto made = std::make_shared<Text>();
  made->text = std::move(text);
  object = std::move(made);
}

Value Value::undefined(std::string what) {
  Value value(std::move(what));
  value.kindOf = Kind::Undefined;
  return value;
}

static Value sequence(Kind kind, std::vector<Value> items) {
  auto made = std::make_shared<Sequence>();
  for (const Value &item : items)
    made->depth = nest(item, made->depth);
  made->items = std::move(items);
  return Value(kind, std::move(made));
}

Value Value::list(std::vector<Value> items) { return sequence(Kind::List, std::move(items)); }
Value Value::tuple(std::vector<Value> items) { return sequence(Kind::Tuple, std::move(items)); }

const std::vector<Value> &Value::items() const { return as<Sequence>().items; }

const char *Value::kindName() const {
  static constexpr const char *names[] = {
      "an undefined value", "none",        "a boolean",  "an integer", "a float",
      "a string",           "a list",      "a tuple",    "a dict",     "a range",
      "a view of a dict",   "a generator", "a function", "a macro",    "a namespace",
      "the loop variable"};
  return names[static_cast<size_t>(kindOf)];
}

const char *Value::typeName() const {
  static constexpr const char *names[] = {"Undefined", "NoneType", "bool",      "int",        "float",     "str",
                                          "list",      "tuple",    "dict",      "range",      "dict view", "generator",
                                          "function",  "macro",    "Namespace", "LoopContext"};
  return names[static_cast<size_t>(kindOf)];
}

bool Value::truth() const {
  switch (kindOf) {
  case Kind::Undefined:
  case Kind::None:
    return false;
  case Kind::Bool:
  case Kind::Int:
    return number != 0;
  case Kind::Float:
    return real != 0;
  default:
    break;
  }
  std::optional<int64_t> length = lengthOf(*this);
  return !length || *length != 0;
}

//===----------------------------------------------------------------------===//
// Comparing
//===----------------------------------------------------------------------===//

static bool equalNumbers(const Value &left, const Value &right) {
  if (left.isWhole() && right.isWhole())
    return left.whole() == right.whole();
  return left.floating() == right.floating();
}

static bool equalDicts(const Dict &left, const Dict &right) {
  if (left.entries.size() != right.entries.size())
    return false;
  for (const auto &[key, value] : left.entries) {
    const Value *other = right.find(key);
    if (!other || !equal(value, *other))
      return false;
  }
  return true;
}

bool quoin::jinja::equal(const Value &left, const Value &right) {
  if (left.isNumber() && right.isNumber())
    return equalNumbers(left, right);
  if (left.kind() != right.kind())
    return false;
  switch (left.kind()) {
  case Kind::Undefined:
  case Kind::None:
    return true;
  case Kind::String:
    return left.text() == right.text();
  case Kind::List:
  case Kind::Tuple: {
    const std::vector<Value> &a = left.items(), &b = right.items();
    if (a.size() != b.size())
      return false;
    for (size_t i = 0; i < a.size(); ++i)
      if (!equal(a[i], b[i]))
        return false;
    return true;
  }
  case Kind::Dict:
    return equalDicts(left.as<Dict>(), right.as<Dict>());
  case Kind::Range: {
    const Range &a = left.as<Range>(), &b = right.as<Range>();
    return a.size == b.size && (a.size == 0 || (a.start == b.start && (a.size == 1 || a.step == b.step)));
  }
  default:
    return left.sameObject(right);
  }
}

bool quoin::jinja::less(const Value &left, const Value &right) {
  if (left.isNumber() && right.isNumber()) {
    if (left.isWhole() && right.isWhole())
      return left.whole() < right.whole();
    return left.floating() < right.floating();
  }
  if (left.is(Kind::Undefined) || right.is(Kind::Undefined))
    fail((left.is(Kind::Undefined) ? left : right).text());
  if (left.is(Kind::String) && right.is(Kind::String))
    return left.text() < right.text(); // of UTF-8, this is the order of the characters
  if (left.kind() == right.kind() && left.isSequence()) {
    const std::vector<Value> &a = left.items(), &b = right.items();
    for (size_t i = 0; i < a.size() && i < b.size(); ++i)
      if (!equal(a[i], b[i]))
        return less(a[i], b[i]);
    return a.size() < b.size();
  }
  fail(std::string("expects values that have an order, but compares ") + left.kindName() + " with " + right.kindName());
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static void appendItems(const std::vector<Value> &items, const char *open, const char *close, std::string &out);

static void appendReprOf(const Value &value, std::string &out) {
  switch (value.kind()) {
  case Kind::Undefined:
    out += "Undefined";
    return;
  case Kind::String:
    if (value.isMarkup())
      fail("expects a string to print inside of a list, but it is one that 'safe' or 'escape' made");
    return appendRepr(value.text(), out);
  case Kind::List:
    return appendItems(value.items(), "[", "]", out);
  case Kind::Tuple:
    return appendItems(value.items(), "(", value.items().size() == 1 ? ",)" : ")", out);
  case Kind::Dict: {
    const char *separator = "{";
    for (const auto &[key, item] : value.as<Dict>().entries) {
      out += separator;
      appendReprOf(key, out);
      out += ": ";
      appendReprOf(item, out);
      separator = ", ";
    }
    out += value.as<Dict>().entries.empty() ? "{}" : "}";
    return;
  }
  case Kind::View: {
    const View &view = value.as<View>();
    std::vector<Value> items;
    for (size_t i = 0; i < view.dict.as<Dict>().entries.size(); ++i)
      items.push_back(view.at(i));
    out += view.what == View::Keys ? "dict_keys" : view.what == View::Values ? "dict_values" : "dict_items";
    return appendItems(items, "([", "])", out);
  }
  case Kind::Range: {
    const Range &range = value.as<Range>();
    out += "range(" + std::to_string(range.start) + ", " + std::to_string(range.stop) +
           (range.step == 1 ? ")" : ", " + std::to_string(range.step) + ")");
    return;
  }
  case Kind::None:
  case Kind::Bool:
  case Kind::Int:
  case Kind::Float:
    return appendStr(value, out);
  default:
    // What Python prints here has an address in it.
    fail(std::string("expects a value that has a text, but would print ") + value.kindName());
  }
}

static void appendItems(const std::vector<Value> &items, const char *open, const char *close, std::string &out) {
  out += open;
  const char *separator = "";
  for (const Value &item : items) {
    out += separator;
    appendReprOf(item, out);
    separator = ", ";
  }
  out += close;
}

void quoin::jinja::appendStr(const Value &value, std::string &out) {
  switch (value.kind()) {
  case Kind::Undefined:
    return;
  case Kind::None:
    out += "None";
    return;
  case Kind::Bool:
    out += value.whole() ? "True" : "False";
    return;
  case Kind::Int:
    out += std::to_string(value.whole());
    return;
  case Kind::Float:
    out += floatText(value.floating());
    return;
  case Kind::String:
    out += value.text();
    return;
  default:
    return appendReprOf(value, out);
  }
}

std::string quoin::jinja::str(const Value &value) {
  std::string out;
  appendStr(value, out);
  return out;
}

std::string quoin::jinja::repr(const Value &value) {
  std::string out;
  appendReprOf(value, out);
  return out;
}
