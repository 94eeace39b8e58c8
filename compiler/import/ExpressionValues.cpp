//===- ExpressionValues.cpp - evaluates the expressions of templates -------===//

#include "compiler/import/ConfigReader.h"
#include "compiler/import/ExpressionNodes.h"
#include "support/JsonText.h"
#include <cmath>

using namespace quoin;

static constexpr size_t maxText = size_t(1) << 16;
static constexpr size_t maxElements = size_t(1) << 16;
static constexpr int maxListDepth = 8;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

const char *quoin::kindOf(const TemplateValue &value) {
  constexpr const char *kinds[] = {"a flag", "an index", "a real", "a text", "a list"};
  return kinds[value.it.index()];
}

std::string quoin::textOf(const TemplateValue &value) {
  if (const bool *flag = value.as<bool>())
    return *flag ? "true" : "false";
  if (const int64_t *index = value.as<int64_t>())
    return std::to_string(*index);
  if (const double *real = value.as<double>())
    return realText(*real);
  if (const std::string *text = value.as<std::string>())
    return *text;
  std::string result = "[";
  for (const TemplateValue &element : *value.as<TemplateList>())
    result += (result.size() > 1 ? ", " : "") + textOf(element);
  return result + "]";
}

std::string quoin::describe(const TemplateValue &value) {
  return value.as<std::string>() ? "\"" + shortened(textOf(value)) + "\"" : shortened(textOf(value));
}

bool quoin::equal(const TemplateValue &left, const TemplateValue &right) {
  if (left.isNumber() && right.isNumber() && left.it.index() != right.it.index())
    return left.real() == right.real();
  if (left.it.index() != right.it.index())
    return false;
  const TemplateList *a = left.as<TemplateList>(), *b = right.as<TemplateList>();
  if (!a)
    return left.it == right.it;
  if (a->size() != b->size())
    return false;
  for (size_t i = 0; i < a->size(); ++i)
    if (!equal((*a)[i], (*b)[i]))
      return false;
  return true;
}

/// Elements of a list at any depth, or bytes of a text; `depth` is how deep lists lie in it.
static size_t sizeOf(const TemplateValue &value, int &depth) {
  depth = 0;
  if (const std::string *text = value.as<std::string>())
    return 1 + text->size() / 16;
  size_t size = 1;
  if (const TemplateList *list = value.as<TemplateList>())
    for (const TemplateValue &element : *list) {
      int inner = 0;
      size += sizeOf(element, inner);
      depth = std::max(depth, inner + 1);
    }
  return size;
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

namespace {

class Evaluator {
public:
  Evaluator(ExpressionScope &around, std::string &message) : scope(around), error(message) {}
  std::optional<TemplateValue> value(const Node &node);

private:
  std::optional<TemplateValue> compute(const Node &node);
  std::optional<TemplateValue> binary(const std::string &op, const TemplateValue &a, const TemplateValue &b);
  std::optional<TemplateValue> arithmetic(const std::string &op, const TemplateValue &a, const TemplateValue &b);
  std::optional<TemplateValue> call(const std::string &name, TemplateList &arguments);
  std::optional<TemplateValue> element(const TemplateValue &list, const TemplateValue &index);
  std::optional<bool> flag(const Node &node);
  std::optional<TemplateValue> real(double value);
  std::nullopt_t fail(const std::string &message) {
    if (error.empty())
      error = message;
    return std::nullopt;
  }
  std::nullopt_t mismatch(const std::string &op, const char *wanted, const TemplateValue &a) {
    return fail("expects " + std::string(wanted) + " for '" + op + "', but found " + kindOf(a) + ", " + describe(a));
  }

  ExpressionScope &scope;
  std::string &error;
};

std::optional<TemplateValue> Evaluator::value(const Node &node) {
  std::optional<TemplateValue> result = compute(node);
  if (!result)
    return std::nullopt;
  int depth = 0;
  size_t size = sizeOf(*result, depth);
  if (!scope.spend(size, error))
    return std::nullopt;
  if (size > maxElements || depth > maxListDepth ||
      (result->as<std::string>() && result->as<std::string>()->size() > maxText))
    return fail("expects texts of at most " + std::to_string(maxText) + " bytes and lists of at most " +
                std::to_string(maxElements) + " elements, " + std::to_string(maxListDepth) +
                " deep, but found a larger one");
  return result;
}

std::optional<bool> Evaluator::flag(const Node &node) {
  std::optional<TemplateValue> result = value(node);
  if (!result)
    return std::nullopt;
  if (const bool *it = result->as<bool>())
    return *it;
  return fail("expects a flag, but found " + std::string(kindOf(*result)) + ", " + describe(*result));
}

std::optional<TemplateValue> Evaluator::real(double number) {
  if (!std::isfinite(number))
    return fail("expects finite numbers, but found " + std::string(std::isnan(number) ? "none" : "an infinite one"));
  return TemplateValue{number};
}

std::optional<TemplateValue> Evaluator::compute(const Node &node) {
  switch (node.kind) {
  case NodeKind::Value:
    return node.value;
  case NodeKind::Name:
    if (const TemplateValue *known = scope.find(node.text))
      return *known;
    return fail("expects a name that has a value, but found '" + node.text + "'");
  case NodeKind::List:
  case NodeKind::Call: {
    TemplateList parts;
    for (const NodePtr &part : node.parts) {
      std::optional<TemplateValue> each = value(*part);
      if (!each)
        return std::nullopt;
      parts.push_back(std::move(*each));
    }
    return node.kind == NodeKind::List ? TemplateValue{std::move(parts)} : call(node.text, parts);
  }
  case NodeKind::Not:
  case NodeKind::And:
  case NodeKind::Or: {
    std::optional<bool> left = flag(*node.parts[0]);
    if (!left)
      return std::nullopt;
    if (node.kind == NodeKind::Not)
      return TemplateValue{!*left};
    if (*left == (node.kind == NodeKind::Or))
      return TemplateValue{*left};
    std::optional<bool> right = flag(*node.parts[1]);
    return right ? std::optional(TemplateValue{*right}) : std::nullopt;
  }
  case NodeKind::Choice: {
    std::optional<bool> first = flag(*node.parts[0]);
    return first ? value(*node.parts[*first ? 1 : 2]) : std::nullopt;
  }
  case NodeKind::Negate: {
    std::optional<TemplateValue> part = value(*node.parts[0]);
    if (!part)
      return std::nullopt;
    if (const int64_t *index = part->as<int64_t>())
      return TemplateValue{-*index}; // no literal is the lowest, and arithmetic is checked
    return part->isNumber() ? real(-part->real()) : mismatch("-", "a number", *part);
  }
  case NodeKind::Element:
  case NodeKind::Binary: {
    std::optional<TemplateValue> left = value(*node.parts[0]);
    std::optional<TemplateValue> right = left ? value(*node.parts[1]) : std::nullopt;
    if (!right)
      return std::nullopt;
    return node.kind == NodeKind::Element ? element(*left, *right) : binary(node.text, *left, *right);
  }
  }
  return std::nullopt;
}

std::optional<TemplateValue> Evaluator::element(const TemplateValue &list, const TemplateValue &index) {
  const TemplateList *elements = list.as<TemplateList>();
  const int64_t *at = index.as<int64_t>();
  if (!elements || !at)
    return mismatch("[]", elements ? "an index" : "a list", elements ? index : list);
  if (*at < 0 || *at >= static_cast<int64_t>(elements->size()))
    return fail("expects an index below the list's size " + std::to_string(elements->size()) + ", but found " +
                std::to_string(*at));
  return (*elements)[static_cast<size_t>(*at)];
}

std::optional<TemplateValue> Evaluator::binary(const std::string &op, const TemplateValue &a, const TemplateValue &b) {
  if (op == "==" || op == "!=") {
    if (a.it.index() != b.it.index() && !(a.isNumber() && b.isNumber()))
      return fail("expects values of one kind for '" + op + "', but found " + kindOf(a) + " and " + kindOf(b));
    return TemplateValue{equal(a, b) == (op == "==")};
  }
  if (op == "in") {
    const std::string *part = a.as<std::string>(), *whole = b.as<std::string>();
    if (part && whole)
      return TemplateValue{whole->find(*part) != std::string::npos};
    const TemplateList *list = b.as<TemplateList>();
    if (!list)
      return mismatch(op, "a list or two texts", b);
    for (const TemplateValue &element : *list)
      if (equal(a, element))
        return TemplateValue{true};
    return TemplateValue{false};
  }
  if (op == "+" && a.it.index() == b.it.index()) {
    if (const std::string *text = a.as<std::string>())
      return TemplateValue{*text + *b.as<std::string>()};
    if (const TemplateList *list = a.as<TemplateList>()) {
      TemplateList both = *list;
      both.insert(both.end(), b.as<TemplateList>()->begin(), b.as<TemplateList>()->end());
      return TemplateValue{std::move(both)};
    }
  }
  if (!a.isNumber() || !b.isNumber())
    return mismatch(op, op == "+" ? "two numbers, texts or lists" : "two numbers", a.isNumber() ? b : a);
  if (op == "<" || op == ">" || op == "<=" || op == ">=") {
    const int64_t *i = a.as<int64_t>(), *j = b.as<int64_t>();
    bool less = i && j ? *i < *j : a.real() < b.real(), same = equal(a, b);
    return TemplateValue{op[0] == '<' ? less || (same && op.size() > 1) : (!less && !same) || (same && op.size() > 1)};
  }
  return arithmetic(op, a, b);
}

std::optional<TemplateValue> Evaluator::arithmetic(const std::string &op, const TemplateValue &a,
                                                   const TemplateValue &b) {
  const int64_t *i = a.as<int64_t>(), *j = b.as<int64_t>();
  if ((op == "/" || op == "//" || op == "%") && b.real() == 0)
    return fail("expects a divisor other than 0 for '" + op + "'");
  if (op == "/")
    return real(a.real() / b.real());
  if (i && j) {
    int64_t result = 0;
    bool overflow = op == "+"   ? __builtin_add_overflow(*i, *j, &result)
                    : op == "-" ? __builtin_sub_overflow(*i, *j, &result)
                    : op == "*" ? __builtin_mul_overflow(*i, *j, &result)
                                : *j == -1;
    if (op == "//" || op == "%") {
      // A quotient by -1 is a negation, and a remainder of it 0.
      result = overflow ? (op == "%" ? 0 : -*i) : op == "//" ? *i / *j : *i % *j;
      if (!overflow && *i % *j != 0 && (*i < 0) != (*j < 0))
        result += op == "//" ? -1 : *j;
      overflow = false;
    }
    if (overflow || result == INT64_MIN)
      return fail("expects integers of 64 bits, but found " + describe(a) + " " + op + " " + describe(b));
    return TemplateValue{result};
  }
  double x = a.real(), y = b.real();
  double quotient = std::floor(x / y);
  return real(op == "+" ? x + y : op == "-" ? x - y : op == "*" ? x * y : op == "//" ? quotient : x - quotient * y);
}

std::optional<TemplateValue> Evaluator::call(const std::string &name, TemplateList &arguments) {
  if (isAnsweredOutside(name))
    return scope.call(name, arguments, error);
  const TemplateValue &a = arguments[0];
  if (name == "len") {
    if (const TemplateList *list = a.as<TemplateList>())
      return TemplateValue{static_cast<int64_t>(list->size())};
    const std::string *text = a.as<std::string>();
    return text ? std::optional(TemplateValue{static_cast<int64_t>(text->size())})
                : mismatch(name, "a list or a text", a);
  }
  if (name == "str")
    return TemplateValue{textOf(a)};
  if (name == "lower") {
    if (!a.as<std::string>())
      return mismatch(name, "a text", a);
    std::string text = *a.as<std::string>();
    for (char &c : text)
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return TemplateValue{text};
  }
  for (const TemplateValue &each : arguments)
    if (!each.isNumber())
      return mismatch(name, "a number", each);
  if (name == "min" || name == "max") {
    std::optional<TemplateValue> less = binary("<", a, arguments[1]);
    return (*less->as<bool>()) == (name == "min") ? a : arguments[1];
  }
  double x = a.real();
  if (name == "int" || name == "floor" || name == "ceil") {
    if (a.as<int64_t>())
      return a;
    double whole = name == "int" ? std::trunc(x) : name == "floor" ? std::floor(x) : std::ceil(x);
    if (!(std::abs(whole) < 9e18))
      return fail("expects an integer of 64 bits, but found " + describe(a));
    return TemplateValue{static_cast<int64_t>(whole)};
  }
  if (name == "abs" && a.as<int64_t>())
    return TemplateValue{std::abs(*a.as<int64_t>())};
  if ((name == "sqrt" && x < 0) || (name == "log" && x <= 0))
    return fail("expects a " + std::string(name == "log" ? "positive" : "non-negative") + " number for '" + name +
                "', but found " + describe(a));
  return real(name == "sqrt"  ? std::sqrt(x)
              : name == "exp" ? std::exp(x)
              : name == "log" ? std::log(x)
              : name == "abs" ? std::abs(x)
              : name == "pow" ? std::pow(x, arguments[1].real())
                              : x);
}

} // namespace

std::optional<TemplateValue> Expression::evaluate(ExpressionScope &scope, std::string &error) const {
  return Evaluator(scope, error).value(*root);
}
