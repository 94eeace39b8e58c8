// Operators.cpp - Python's arithmetic. Integers have 64 bits; what would need more is an error.

#include "runtime/template/Renderer.h"
#include "runtime/template/Text.h"

#include <cmath>

using namespace quoin::jinja;

[[noreturn]] static void failOn(const std::string &symbol, const Value &left, const Value &right) {
  for (const Value *each : {&left, &right})
    if (each->is(Kind::Undefined))
      fail(each->hasObject() ? each->text() : "expects a value, but it is undefined");
  fail("expects operands that '" + symbol + "' can take, but found " + left.kindName() + " and " + right.kindName());
}

static int64_t checked(bool overflow, int64_t value) {
  if (overflow)
    fail("expects integers of at most 64 bits, but a result has more");
  return value;
}

static int64_t floorDivide(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

static Value power(const Value &left, const Value &right) {
  if (left.isWhole() && right.isWhole() && right.whole() >= 0) {
    int64_t result = 1, base = left.whole();
    for (int64_t exponent = right.whole(); exponent > 0; exponent >>= 1) {
      if (exponent & 1)
        result = checked(__builtin_mul_overflow(result, base, &result), result);
      if (exponent > 1)
        base = checked(__builtin_mul_overflow(base, base, &base), base);
    }
    return result;
  }
  const double base = left.floating(), exponent = right.floating();
  if (base == 0 && exponent < 0)
    fail("expects no power of 0 below 0, but found " + floatText(exponent));
  if (base < 0 && exponent != std::floor(exponent))
    fail("expects a whole exponent of a negative number, but found " + floatText(exponent));
  return std::pow(base, exponent);
}

static Value wholeNumbers(const std::string &symbol, int64_t a, int64_t b) {
  int64_t result = 0;
  if (symbol == "+")
    return checked(__builtin_add_overflow(a, b, &result), result);
  if (symbol == "-")
    return checked(__builtin_sub_overflow(a, b, &result), result);
  if (symbol == "*")
    return checked(__builtin_mul_overflow(a, b, &result), result);
  if (b == 0)
    fail("expects a divisor that is not 0 for '" + symbol + "', but found 0");
  if (symbol == "/")
    return static_cast<double>(a) / static_cast<double>(b);
  if (b == -1) // the one case that can overflow
    return symbol == "%" ? Value(int64_t(0)) : Value(checked(__builtin_sub_overflow(int64_t(0), a, &result), result));
  const int64_t quotient = floorDivide(a, b);
  return symbol == "//" ? quotient : a - quotient * b;
}

static Value numbers(const std::string &symbol, const Value &left, const Value &right) {
  if (symbol == "**")
    return power(left, right);
  if (left.isWhole() && right.isWhole())
    return wholeNumbers(symbol, left.whole(), right.whole());
  const double a = left.floating(), b = right.floating();
  if (symbol == "+")
    return a + b;
  if (symbol == "-")
    return a - b;
  if (symbol == "*")
    return a * b;
  if (b == 0)
    fail("expects a divisor that is not 0 for '" + symbol + "', but found 0");
  if (symbol == "/")
    return a / b;
  double rest = std::fmod(a, b);
  if (rest != 0 && (rest < 0) != (b < 0))
    rest += b;
  return symbol == "%" ? rest : std::floor((a - rest) / b + 0.5);
}

static Value joined(Renderer &renderer, const Value &left, const Value &right) {
  if (left.is(Kind::String)) {
    if (left.isMarkup() || right.isMarkup())
      return renderer.text(escaped(left) + escaped(right)).asMarkup();
    return renderer.text(left.text() + right.text());
  }
  std::vector<Value> items = left.items();
  items.insert(items.end(), right.items().begin(), right.items().end());
  renderer.step(static_cast<int64_t>(items.size()) / 8);
  return left.is(Kind::List) ? Value::list(std::move(items)) : Value::tuple(std::move(items));
}

static Value repeated(Renderer &renderer, const Value &what, int64_t times) {
  const int64_t size =
      what.is(Kind::String) ? static_cast<int64_t>(what.text().size()) : static_cast<int64_t>(what.items().size());
  times = size == 0 ? 0 : std::max<int64_t>(times, 0);
  int64_t total = 0;
  if (__builtin_mul_overflow(size, times, &total))
    total = INT64_MAX / 2;
  if (what.is(Kind::String)) {
    renderer.produce(static_cast<size_t>(total));
    std::string text;
    text.reserve(static_cast<size_t>(total));
    for (int64_t i = 0; i < times; ++i)
      text += what.text();
    Value made(std::move(text));
    return what.isMarkup() ? made.asMarkup() : made;
  }
  renderer.step(total);
  std::vector<Value> items;
  for (int64_t i = 0; i < times; ++i)
    items.insert(items.end(), what.items().begin(), what.items().end());
  return what.is(Kind::List) ? Value::list(std::move(items)) : Value::tuple(std::move(items));
}

Value quoin::jinja::binary(Renderer &renderer, const std::string &symbol, const Value &left, const Value &right) {
  if (left.isNumber() && right.isNumber())
    return numbers(symbol, left, right);
  if (symbol == "%" && left.is(Kind::String) && !right.is(Kind::Undefined))
    return renderer.text(formatPercent(renderer, left.text(), right));
  if (symbol == "+" && left.kind() == right.kind() && (left.is(Kind::String) || left.isSequence()))
    return joined(renderer, left, right);
  if (symbol == "*") {
    const bool first = left.is(Kind::String) || left.isSequence();
    const Value &what = first ? left : right, &times = first ? right : left;
    if ((what.is(Kind::String) || what.isSequence()) && times.isWhole())
      return repeated(renderer, what, times.whole());
  }
  failOn(symbol, left, right);
}

Value quoin::jinja::negate(const Value &value, const std::string &symbol) {
  if (!value.isNumber())
    failOn(symbol, value, value);
  if (value.is(Kind::Float))
    return symbol == "-" ? -value.floating() : value.floating();
  int64_t result = value.whole();
  if (symbol == "-")
    return checked(__builtin_sub_overflow(int64_t(0), value.whole(), &result), result);
  return result;
}

bool quoin::jinja::contains(Renderer &renderer, const Value &item, const Value &container) {
  switch (container.kind()) {
  case Kind::String:
    if (!item.is(Kind::String))
      fail(std::string("expects a string to look for in a string, but found ") + item.kindName());
    renderer.step(static_cast<int64_t>(container.text().size()) / 256);
    return container.text().find(item.text()) != std::string::npos;
  case Kind::Dict:
    return container.as<Dict>().find(item) != nullptr;
  default:
    break;
  }
  Next next = iterate(container);
  while (std::optional<Value> each = next()) {
    renderer.step();
    if (equal(*each, item))
      return true;
  }
  return false;
}
