// Renderer.cpp - expressions: names, attributes, items, calls; and the bounds on what a rendering may use.

#include "runtime/template/Renderer.h"
#include "runtime/template/Text.h"

#include <algorithm>

using namespace quoin::jinja;

using ExpressionKind = Expression::Kind;

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

/// Counts how deep this renderer calls itself.
struct Renderer::Deeper {
  explicit Deeper(Renderer &renderer) : renderer(renderer) {
    // Beyond what any template needs, and within a stack of half a megabyte.
    constexpr int maxDepth = 600;
    if (renderer.depth >= maxDepth)
      fail("expects calls nested at most " + std::to_string(maxDepth) + " deep, but they are deeper");
    ++renderer.depth;
  }
  ~Deeper() { --renderer.depth; }
  Renderer &renderer;
};

void Renderer::step(int64_t count) {
  steps += count;
  if (steps > limits.steps)
    fail("expects at most " + std::to_string(limits.steps) + " operations, but the template takes more");
}

void Renderer::produce(size_t count) {
  bytes += static_cast<int64_t>(std::min<size_t>(count, INT64_MAX / 2));
  if (bytes > limits.bytes)
    fail("expects at most " + std::to_string(limits.bytes) + " bytes of text, but the template makes more");
}

Renderer::~Renderer() {
  // Namespaces may hold each other; emptied one by one, nothing is freed through a chain of them.
  for (auto &each : namespaces)
    each->entries.clear();
}

Namespace &Renderer::makeNamespace() {
  namespaces.push_back(std::make_unique<Namespace>());
  return *namespaces.back();
}

std::vector<Value> Renderer::listOf(const Value &iterable) {
  std::vector<Value> items;
  Next next = iterate(iterable);
  while (std::optional<Value> item = next()) {
    step();
    items.push_back(std::move(*item));
  }
  return items;
}

//===----------------------------------------------------------------------===//
// Scopes
//===----------------------------------------------------------------------===//

void Scope::set(std::string_view name, Value value) {
  for (auto &[known, old] : variables)
    if (known == name) {
      old = std::move(value);
      return;
    }
  variables.emplace_back(name, std::move(value));
}

const Value *Scope::find(std::string_view name) const {
  for (const Scope *each = this; each; each = each->parent.get())
    for (const auto &[known, value] : each->variables)
      if (known == name)
        return &value;
  return nullptr;
}

Value Renderer::name(const std::string &name) const {
  if (const Value *found = scope->find(name))
    return *found;
  Value global = globalFunction(name);
  return global.is(Kind::Undefined) ? Value::undefined("'" + name + "' is undefined") : global;
}

//===----------------------------------------------------------------------===//
// Attributes and items
//===----------------------------------------------------------------------===//

void quoin::jinja::failUndefined(const Value &value) {
  fail(value.hasObject() ? value.text() : "expects a value, but it is undefined");
}

static Value missing(const Value &value, const std::string &name) {
  return Value::undefined("'" + std::string(value.typeName()) + (value.is(Kind::Dict) ? " object" : "") +
                          "' has no attribute '" + shown(name) + "'");
}

static Value loopAttribute(const Value &value, const std::string &name) {
  Loop &loop = value.as<Loop>();
  if (name == "index")
    return loop.index0 + 1;
  if (name == "index0")
    return loop.index0;
  if (name == "first")
    return loop.index0 == 0;
  if (name == "last")
    return !loop.peek().has_value();
  if (name == "length")
    return loop.size();
  if (name == "revindex")
    return loop.size() - loop.index0;
  if (name == "revindex0")
    return loop.size() - loop.index0 - 1;
  if (name == "depth")
    return loop.depth0 + 1;
  if (name == "depth0")
    return loop.depth0;
  if (name == "previtem")
    return loop.before ? *loop.before : Value::undefined("there is no previous item");
  if (name == "nextitem")
    return loop.peek() ? *loop.peek() : Value::undefined("there is no next item");
  if (name == "cycle")
    return makeFunction(
        "loop.cycle",
        [value](Renderer &, Arguments &arguments) {
          if (arguments.positional.empty())
            fail("expects items for 'loop.cycle', but there are none");
          return arguments.positional[static_cast<size_t>(value.as<Loop>().index0) % arguments.positional.size()];
        },
        value);
  if (name == "changed")
    return makeFunction(
        "loop.changed",
        [value](Renderer &, Arguments &arguments) {
          Loop &of = value.as<Loop>();
          Value now = Value::tuple(arguments.positional);
          of.depth = nest(now, of.depth);
          const bool changed = !of.changed || !equal(*of.changed, now);
          of.changed = std::move(now);
          return Value(changed);
        },
        value);
  return missing(value, name);
}

Value Renderer::attribute(const Value &value, const std::string &name) {
  switch (value.kind()) {
  case Kind::Undefined:
    failUndefined(value);
  case Kind::Loop:
    return loopAttribute(value, name);
  case Kind::Namespace: {
    const Value *found = value.as<Namespace>().find(name);
    return found ? *found : missing(value, name);
  }
  case Kind::Macro:
    if (name == "name")
      return Value(value.as<Macro>().syntax->text);
    break;
  case Kind::Tuple: {
    const Sequence &tuple = value.as<Sequence>();
    for (size_t i = 0; i < tuple.names.size(); ++i)
      if (tuple.names[i] == name)
        return tuple.items[i];
    break;
  }
  default:
    break;
  }
  // Methods come before keys: `message.items` is the method, whatever the message holds.
  Value found = method(*this, value, name);
  if (!found.is(Kind::Undefined) || found.hasObject())
    return found;
  if (value.is(Kind::Dict))
    if (const Value *entry = value.as<Dict>().find(std::string_view(name)))
      return *entry;
  return missing(value, name);
}

Value Renderer::item(const Value &value, const Value &key) {
  if (value.is(Kind::Undefined))
    failUndefined(value);
  if (value.is(Kind::Dict)) {
    if (const Value *found = value.as<Dict>().find(key))
      return *found;
  } else if (key.isWhole() && !value.is(Kind::View)) {
    if (std::optional<int64_t> length = value.is(Kind::Loop) ? std::nullopt : lengthOf(value)) {
      int64_t index = key.whole();
      if (index < 0)
        index += *length;
      if (index < 0 || index >= *length)
        return Value::undefined(std::string("'") + value.typeName() + "' has no element " +
                                std::to_string(key.whole()));
      if (value.isSequence())
        return value.items()[static_cast<size_t>(index)];
      if (value.is(Kind::Range))
        return value.as<Range>().at(index);
      const std::string &all = value.text();
      const size_t from = byteOfChar(all, static_cast<size_t>(index));
      size_t size = 0;
      firstChar(std::string_view(all).substr(from), size);
      return Value(all.substr(from, size));
    }
  }
  if (key.is(Kind::String)) {
    if (!value.is(Kind::Dict))
      return attribute(value, key.text());
    Value found = method(*this, value, key.text());
    return found.is(Kind::Undefined) && !found.hasObject() ? missing(value, key.text()) : found;
  }
  return Value::undefined(std::string("'") + value.typeName() + "' has no such element");
}

/// Python's slicing: bounds may be negative or beyond the ends.
Value Renderer::slice(const Value &value, const Expression &bounds) {
  if (value.is(Kind::Undefined))
    failUndefined(value);
  std::optional<int64_t> part[3];
  for (size_t i = 0; i < 3; ++i) {
    if (!bounds.operands[i])
      continue;
    Value bound = evaluate(*bounds.operands[i]);
    if (bound.is(Kind::None))
      continue;
    if (!bound.isWhole())
      fail(std::string("expects integers in a slice, but found ") + bound.kindName());
    part[i] = bound.whole();
  }
  if (!value.is(Kind::String) && !value.isSequence() && !value.is(Kind::Range))
    fail(std::string("expects a string or a list to take a slice of, but found ") + value.kindName());
  const int64_t step = part[2].value_or(1), length = *lengthOf(value);
  if (step == 0)
    fail("expects a step that is not 0 in a slice, but found 0");
  auto clamp = [&](int64_t index) {
    if (index < 0)
      index = index < -length ? -1 : index + length;
    return std::clamp<int64_t>(index, step < 0 ? -1 : 0, step < 0 ? length - 1 : length);
  };
  // As an index, -1 is the place before the first item, unlike in what the template wrote.
  const int64_t from = part[0] ? clamp(*part[0]) : step < 0 ? length - 1 : 0;
  const int64_t to = part[1] ? clamp(*part[1]) : step < 0 ? -1 : length;
  this->step(length / 16);
  if (value.is(Kind::String) && step == 1) {
    const std::string &all = value.text();
    const size_t first = byteOfChar(all, static_cast<size_t>(from)), last = byteOfChar(all, static_cast<size_t>(to));
    Value made = text(first < last ? all.substr(first, last - first) : "");
    return value.isMarkup() ? made.asMarkup() : made;
  }
  std::vector<Value> items = value.isSequence() ? std::vector<Value>() : listOf(value);
  const std::vector<Value> &source = value.isSequence() ? value.items() : items;
  std::vector<Value> chosen;
  for (int64_t i = from; step < 0 ? i > to : i < to; i += std::min(step, length + 1)) {
    this->step();
    chosen.push_back(source[static_cast<size_t>(i)]);
    if (step < -length)
      break;
  }
  if (value.is(Kind::String)) {
    std::string joined;
    for (const Value &each : chosen)
      joined += each.text();
    return text(std::move(joined));
  }
  return value.is(Kind::Tuple) ? Value::tuple(std::move(chosen)) : Value::list(std::move(chosen));
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

void Renderer::collect(const CallSyntax &syntax, Arguments &arguments) {
  for (const ExpressionPtr &each : syntax.positional)
    arguments.positional.push_back(evaluate(*each));
  auto add = [&](const std::string &name, Value value) {
    for (const auto &[known, old] : arguments.named)
      if (known == name)
        fail("expects each argument once, but found '" + shown(name) + "' twice");
    arguments.named.emplace_back(name, std::move(value));
  };
  for (const auto &[name, value] : syntax.named)
    add(name, evaluate(*value));
  if (syntax.star)
    for (Value &item : listOf(evaluate(*syntax.star)))
      arguments.positional.push_back(std::move(item));
  if (syntax.doubleStar) {
    Value rest = evaluate(*syntax.doubleStar);
    if (!rest.is(Kind::Dict))
      fail(std::string("expects a dict behind '**', but found ") + rest.kindName());
    for (const auto &[key, value] : rest.as<Dict>().entries) {
      if (!key.is(Kind::String))
        fail(std::string("expects strings as the keys of a dict behind '**', but found ") + key.kindName());
      add(key.text(), value);
    }
  }
}

Value Renderer::callExpression(const Expression &expression, Arguments &extra) {
  Value callee = evaluate(*expression.operands[0]);
  Arguments arguments;
  collect(expression.call, arguments);
  for (auto &each : extra.named)
    arguments.named.push_back(std::move(each));
  return call(callee, arguments);
}

Value Renderer::call(const Value &callee, Arguments &arguments) {
  Deeper deeper(*this);
  switch (callee.kind()) {
  case Kind::Undefined:
    failUndefined(callee);
  case Kind::Function:
    return callee.as<Function>().call(*this, arguments);
  case Kind::Macro:
    return callMacro(callee.as<Macro>(), arguments);
  case Kind::Loop:
    if (!callee.as<Loop>().recurse)
      fail("expects 'recursive' at a loop that is called, but it is not there");
    if (arguments.positional.size() != 1 || !arguments.named.empty())
      fail("expects the items as the one argument of 'loop', but found " + std::to_string(arguments.positional.size()));
    return callee.as<Loop>().recurse(*this, arguments.positional[0]);
  default:
    fail(std::string("expects a function to call, but found ") + callee.kindName());
  }
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

Value Renderer::evaluate(const Expression &expression) {
  step();
  // The commonest need no frame of their own.
  if (expression.kind == ExpressionKind::Constant)
    return expression.constant;
  if (expression.kind == ExpressionKind::Name)
    return name(expression.text);
  try {
    Deeper deeper(*this);
    return evaluateSlow(expression);
  } catch (Problem &problem) {
    if (problem.line == 0)
      problem.line = expression.line;
    throw;
  }
}

Value Renderer::compare(const Expression &expression) {
  Value left = evaluate(*expression.operands[0]);
  for (size_t i = 0; i < expression.operators.size(); ++i) {
    const std::string &symbol = expression.operators[i];
    Value right = evaluate(*expression.operands[i + 1]);
    bool holds = false;
    if (symbol == "==" || symbol == "!=")
      holds = equal(left, right) == (symbol == "==");
    else if (symbol == "<" || symbol == ">")
      holds = symbol == "<" ? less(left, right) : less(right, left);
    else if (symbol == "<=" || symbol == ">=")
      // Not the opposite of the other order, for the sake of NaN.
      holds = (symbol == "<=" ? less(left, right) : less(right, left)) || equal(left, right);
    else
      holds = contains(*this, left, right) == (symbol == "in");
    if (!holds)
      return false;
    left = std::move(right);
  }
  return true;
}

Value Renderer::dict(const Expression &expression) {
  auto made = std::make_shared<Dict>();
  for (size_t i = 0; i < expression.operands.size(); i += 2) {
    Value key = evaluate(*expression.operands[i]);
    made->set(key, evaluate(*expression.operands[i + 1]));
  }
  return Value(Kind::Dict, std::move(made));
}

Value Renderer::evaluateSlow(const Expression &expression) {
  const std::vector<ExpressionPtr> &operands = expression.operands;
  switch (expression.kind) {
  case ExpressionKind::Constant:
  case ExpressionKind::Name:
  case ExpressionKind::NamespaceField:
  case ExpressionKind::Slice:
    break;
  case ExpressionKind::List:
  case ExpressionKind::Tuple: {
    std::vector<Value> items;
    items.reserve(operands.size());
    for (const ExpressionPtr &each : operands)
      items.push_back(evaluate(*each));
    return expression.kind == ExpressionKind::List ? Value::list(std::move(items)) : Value::tuple(std::move(items));
  }
  case ExpressionKind::Dict:
    return dict(expression);
  case ExpressionKind::Attribute:
    return attribute(evaluate(*operands[0]), expression.text);
  case ExpressionKind::Item: {
    Value value = evaluate(*operands[0]);
    if (operands[1]->kind == ExpressionKind::Slice)
      return slice(value, *operands[1]);
    return item(value, evaluate(*operands[1]));
  }
  case ExpressionKind::Call: {
    Arguments none;
    return callExpression(expression, none);
  }
  case ExpressionKind::Filter: {
    Value value = operands[0] ? evaluate(*operands[0]) : filterInput;
    Arguments arguments;
    collect(expression.call, arguments);
    return filter(expression.text, value, arguments);
  }
  case ExpressionKind::Test: {
    Value value = evaluate(*operands[0]);
    Arguments arguments;
    collect(expression.call, arguments);
    return test(expression.text, value, arguments);
  }
  case ExpressionKind::Unary: {
    Value value = evaluate(*operands[0]);
    return expression.text == "not" ? Value(!value.truth()) : negate(value, expression.text);
  }
  case ExpressionKind::Binary: {
    Value left = evaluate(*operands[0]);
    return binary(*this, expression.text, left, evaluate(*operands[1]));
  }
  case ExpressionKind::Concat: {
    std::string joined;
    for (const ExpressionPtr &each : operands)
      appendStr(evaluate(*each), joined);
    return text(std::move(joined));
  }
  case ExpressionKind::Compare:
    return compare(expression);
  case ExpressionKind::And:
  case ExpressionKind::Or: {
    Value value;
    for (const ExpressionPtr &each : operands) {
      value = evaluate(*each);
      if (value.truth() == (expression.kind == ExpressionKind::Or))
        break;
    }
    return value;
  }
  case ExpressionKind::Choice:
    if (evaluate(*operands[0]).truth())
      return evaluate(*operands[1]);
    return operands[2] ? evaluate(*operands[2]) : Value::undefined("the inline 'if' was false and has no 'else'");
  }
  fail("expects an expression, but found a slice or a target");
}

Value Renderer::filter(const std::string &name, const Value &value, Arguments &arguments) {
  FilterFunction found = findFilter(name);
  if (!found)
    found = findSequenceFilter(name);
  if (!found)
    fail("the filter '" + shown(name) + "' is not supported");
  return found(*this, value, arguments);
}

bool Renderer::test(const std::string &name, const Value &value, Arguments &arguments) {
  TestFunction found = findTest(name);
  if (!found)
    fail("the test '" + shown(name) + "' is not supported");
  return found(*this, value, arguments);
}
