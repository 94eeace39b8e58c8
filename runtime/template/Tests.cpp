// Tests.cpp - what may stand behind `is`.

#include "runtime/template/Renderer.h"
#include "runtime/template/Text.h"

#include <cmath>

using namespace quoin::jinja;

static void noTestArguments(const char *name, Arguments &arguments) {
  Bound(std::string("the test '") + name + "'", arguments, {});
}

static const Value &other(const char *name, Arguments &arguments) {
  if (arguments.positional.size() != 1 || !arguments.named.empty())
    fail(std::string("the test '") + name + "' expects one value to compare with, but found " +
         std::to_string(arguments.positional.size()));
  return arguments.positional[0];
}

/// The rest by a divisor, for `odd`, `even` and `divisibleby`.
static bool dividesTo(Renderer &renderer, const Value &value, int64_t divisor, int64_t rest) {
  return equal(binary(renderer, "%", value, Value(divisor)), Value(rest));
}

/// A text all of whose cased characters are of that case, of which there is one at least.
static bool hasCase(const Value &value, bool (*wanted)(uint32_t), bool (*unwanted)(uint32_t)) {
  const std::string whole = str(value);
  bool any = false;
  size_t size = 0;
  for (std::string_view rest = whole; !rest.empty(); rest.remove_prefix(size)) {
    const uint32_t code = firstChar(rest, size);
    if (unwanted(code) || isTitle(code))
      return false;
    any |= wanted(code);
  }
  return any;
}

static bool isSame(const Value &a, const Value &b) {
  if (a.kind() != b.kind())
    return false;
  if (a.is(Kind::None) || a.is(Kind::Bool) || a.is(Kind::Int))
    return equal(a, b);
  return a.hasObject() && b.hasObject() && a.sameObject(b);
}

namespace {
struct TestEntry {
  const char *name;
  TestFunction function;
};
} // namespace

#define QUOIN_TEST(name, condition)                                                                                    \
  {name, [](Renderer &renderer, const Value &value, Arguments &arguments) -> bool {                                    \
     (void)renderer;                                                                                                   \
     noTestArguments(name, arguments);                                                                                 \
     return condition;                                                                                                 \
   }}
#define QUOIN_COMPARISON(name, condition)                                                                              \
  {name, [](Renderer &renderer, const Value &value, Arguments &arguments) -> bool {                                    \
     (void)renderer;                                                                                                   \
     const Value &with = other(name, arguments);                                                                       \
     return condition;                                                                                                 \
   }}

static const TestEntry tests[] = {
    QUOIN_TEST("defined", !value.is(Kind::Undefined)),
    QUOIN_TEST("undefined", value.is(Kind::Undefined)),
    QUOIN_TEST("none", value.is(Kind::None)),
    QUOIN_TEST("boolean", value.is(Kind::Bool)),
    QUOIN_TEST("true", value.is(Kind::Bool) && value.whole()),
    QUOIN_TEST("false", value.is(Kind::Bool) && !value.whole()),
    QUOIN_TEST("integer", value.is(Kind::Int)),
    QUOIN_TEST("float", value.is(Kind::Float)),
    QUOIN_TEST("number", value.isNumber()),
    QUOIN_TEST("string", value.is(Kind::String)),
    QUOIN_TEST("mapping", value.is(Kind::Dict)),
    QUOIN_TEST("sequence", value.is(Kind::String) || value.isSequence() || value.is(Kind::Dict) ||
                               value.is(Kind::Range) || value.is(Kind::Undefined)),
    QUOIN_TEST("iterable", isIterable(value)),
    QUOIN_TEST("callable",
               value.is(Kind::Function) || value.is(Kind::Macro) || value.is(Kind::Loop) || value.is(Kind::Undefined)),
    QUOIN_TEST("escaped", value.isMarkup()),
    QUOIN_TEST("odd", dividesTo(renderer, value, 2, 1)),
    QUOIN_TEST("even", dividesTo(renderer, value, 2, 0)),
    QUOIN_TEST("lower", hasCase(value, isLower, isUpper)),
    QUOIN_TEST("upper", hasCase(value, isUpper, isLower)),
    QUOIN_TEST("filter", value.is(Kind::String) && (findFilter(value.text()) || findSequenceFilter(value.text()))),
    QUOIN_TEST("test", value.is(Kind::String) && findTest(value.text())),
    QUOIN_COMPARISON("divisibleby", equal(binary(renderer, "%", value, with), Value(int64_t(0)))),
    QUOIN_COMPARISON("sameas", isSame(value, with)),
    QUOIN_COMPARISON("in", contains(renderer, value, with)),
    QUOIN_COMPARISON("==", equal(value, with)),
    QUOIN_COMPARISON("eq", equal(value, with)),
    QUOIN_COMPARISON("equalto", equal(value, with)),
    QUOIN_COMPARISON("!=", !equal(value, with)),
    QUOIN_COMPARISON("ne", !equal(value, with)),
    QUOIN_COMPARISON("<", less(value, with)),
    QUOIN_COMPARISON("lt", less(value, with)),
    QUOIN_COMPARISON("lessthan", less(value, with)),
    QUOIN_COMPARISON(">", less(with, value)),
    QUOIN_COMPARISON("gt", less(with, value)),
    QUOIN_COMPARISON("greaterthan", less(with, value)),
    QUOIN_COMPARISON("<=", less(value, with) || equal(value, with)),
    QUOIN_COMPARISON("le", less(value, with) || equal(value, with)),
    QUOIN_COMPARISON(">=", less(with, value) || equal(value, with)),
    QUOIN_COMPARISON("ge", less(with, value) || equal(value, with)),
};

TestFunction quoin::jinja::findTest(std::string_view name) {
  for (const TestEntry &each : tests)
    if (name == each.name)
      return each.function;
  return nullptr;
}
