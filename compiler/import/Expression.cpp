//===- Expression.cpp - the expressions of templates -----------------------===//
//
// A recursive descent, loosest first:
//
//   choice  := or [`if` or `else` choice]
//   or      := and {`or` and}
//   and     := not {`and` not}
//   not     := `not` not | compare
//   compare := sum [(`==` | `!=` | `<` | `<=` | `>` | `>=` | `in`) sum]
//   sum     := product {(`+` | `-`) product}
//   product := sign {(`*` | `//` | `/` | `%`) sign}
//   sign    := `-` sign | element
//   element := atom {`[` choice `]`}
//   atom    := number | "text" | `true` | `false` | name | name `(` list `)` | `(` list `)` | `[` list `]`
//
//===----------------------------------------------------------------------===//

#include "compiler/import/Expression.h"
#include "compiler/import/ConfigReader.h"
#include "support/JsonText.h"
#include <charconv>
#include <cmath>

using namespace quoin;

namespace {

constexpr int maxDepth = 64;
constexpr size_t maxText = size_t(1) << 16;
constexpr size_t maxElements = size_t(1) << 16;
constexpr int maxListDepth = 8;

enum class NodeKind { Value, Name, List, Call, Not, Negate, And, Or, Choice, Element, Binary };

struct Function {
  const char *name;
  size_t least, most;
  bool outside; // answered by the surroundings
};

constexpr Function functions[] = {
    {"len", 1, 1, false}, {"str", 1, 1, false}, {"int", 1, 1, false},   {"real", 1, 1, false},  {"sqrt", 1, 1, false},
    {"exp", 1, 1, false}, {"log", 1, 1, false}, {"floor", 1, 1, false}, {"ceil", 1, 1, false},  {"abs", 1, 1, false},
    {"min", 2, 2, false}, {"max", 2, 2, false}, {"pow", 2, 2, false},   {"lower", 1, 1, false}, {"given", 1, 1, true},
    {"is", 2, 2, true},   {"raw", 1, 1, true},  {"has", 1, 1, true},    {"shape", 1, 1, true},  {"same", 3, 3, true}};

const Function *findFunction(const std::string &name) {
  for (const Function &f : functions)
    if (name == f.name)
      return &f;
  return nullptr;
}

std::string functionNames() {
  std::string names;
  for (const Function &f : functions)
    names += (names.empty() ? "" : ", ") + std::string(f.name);
  return names;
}

bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }

} // namespace

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

void quoin::skipBlanks(std::string_view &text) {
  while (!text.empty() && (text[0] == ' ' || text[0] == '\t' || text[0] == '\r'))
    text.remove_prefix(1);
}

std::string quoin::takeName(std::string_view &text) {
  skipBlanks(text);
  size_t n = 0;
  while (n < text.size() && (isLetter(text[n]) || (n && isDigit(text[n]))))
    ++n;
  std::string name(text.substr(0, n));
  text.remove_prefix(n);
  return name;
}

bool quoin::takeWord(std::string_view &text, std::string_view word) {
  std::string_view rest = text;
  skipBlanks(rest);
  if (!rest.starts_with(word))
    return false;
  rest.remove_prefix(word.size());
  if (isLetter(word.back()) && !rest.empty() && (isLetter(rest[0]) || isDigit(rest[0])))
    return false;
  text = rest;
  return true;
}

std::string quoin::found(std::string_view text) {
  skipBlanks(text);
  return text.empty() ? "the end of the line" : "'" + shortened(std::string(text), 40) + "'";
}

std::optional<std::string> quoin::takeQuoted(std::string_view &text, std::string &error) {
  skipBlanks(text);
  std::string result;
  if (!text.starts_with('"')) {
    error = "expects a text in quotes, but found " + found(text);
    return std::nullopt;
  }
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return result;
    }
    if (text[i] != '\\') {
      result += text[i];
    } else if (++i < text.size() && (text[i] == '"' || text[i] == '\\' || text[i] == 'n')) {
      result += text[i] == 'n' ? '\n' : text[i];
    } else {
      break;
    }
  }
  error = "expects a text that ends, with '\\\"', '\\\\' and '\\n' alone after a backslash, but found " + found(text);
  return std::nullopt;
}

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
// Parsing
//===----------------------------------------------------------------------===//

struct Expression::Node {
  NodeKind kind;
  std::string text; // a name, a function, an operator
  TemplateValue value = {};
  std::vector<std::unique_ptr<Node>> parts = {};
};

namespace {

using Node = Expression::Node;
using NodePtr = std::unique_ptr<Node>;

class Parser {
public:
  Parser(std::string_view &source, std::string &message) : text(source), error(message) {}
  NodePtr choice();
  NodePtr list(std::string_view end);

private:
  NodePtr either();
  NodePtr both();
  NodePtr negation();
  NodePtr compare();
  NodePtr sum();
  NodePtr product();
  NodePtr sign();
  NodePtr element();
  NodePtr atom();
  NodePtr number();
  NodePtr fail(const std::string &expected) {
    if (error.empty())
      error = "expects " + expected + ", but found " + found(text);
    return nullptr;
  }
  static NodePtr make(NodeKind kind, std::string word, NodePtr a, NodePtr b = nullptr, NodePtr c = nullptr) {
    if (!a)
      return nullptr;
    auto node = std::make_unique<Node>(Node{kind, std::move(word)});
    node->parts.push_back(std::move(a));
    for (NodePtr *more : {&b, &c})
      if (*more)
        node->parts.push_back(std::move(*more));
    return node;
  }

  std::string_view &text;
  std::string &error;
  int depth = 0;
};

NodePtr Parser::choice() {
  if (++depth > maxDepth) {
    error = "expects an expression nested at most " + std::to_string(maxDepth) + " deep";
    return nullptr;
  }
  NodePtr node = either();
  if (node && takeWord(text, "if")) {
    NodePtr condition = either();
    if (!condition)
      return nullptr;
    if (!takeWord(text, "else"))
      return fail("'else' and another value");
    NodePtr other = choice();
    if (!other)
      return nullptr;
    node = make(NodeKind::Choice, "if", std::move(condition), std::move(node), std::move(other));
  }
  --depth;
  return node;
}

NodePtr Parser::either() {
  NodePtr node = both();
  while (node && takeWord(text, "or")) {
    NodePtr right = both();
    if (!right)
      return nullptr;
    node = make(NodeKind::Or, "or", std::move(node), std::move(right));
  }
  return node;
}

NodePtr Parser::both() {
  NodePtr node = negation();
  while (node && takeWord(text, "and")) {
    NodePtr right = negation();
    if (!right)
      return nullptr;
    node = make(NodeKind::And, "and", std::move(node), std::move(right));
  }
  return node;
}

NodePtr Parser::negation() {
  bool negated = false;
  while (takeWord(text, "not"))
    negated = !negated;
  NodePtr node = compare();
  return negated ? make(NodeKind::Not, "not", std::move(node)) : std::move(node);
}

NodePtr Parser::compare() {
  NodePtr node = sum();
  for (const char *sign : {"==", "!=", "<=", ">=", "<", ">", "in"})
    if (node && takeWord(text, sign)) {
      NodePtr right = sum();
      return right ? make(NodeKind::Binary, sign, std::move(node), std::move(right)) : nullptr;
    }
  return node;
}

NodePtr Parser::sum() {
  NodePtr node = product();
  while (node) {
    const char *sign = takeWord(text, "+") ? "+" : takeWord(text, "-") ? "-" : nullptr;
    if (!sign)
      break;
    NodePtr right = product();
    if (!right)
      return nullptr;
    node = make(NodeKind::Binary, sign, std::move(node), std::move(right));
  }
  return node;
}

NodePtr Parser::product() {
  NodePtr node = sign();
  while (node) {
    const char *word = nullptr;
    for (const char *each : {"*", "//", "/", "%"})
      if (!word && takeWord(text, each))
        word = each;
    if (!word)
      break;
    NodePtr right = sign();
    if (!right)
      return nullptr;
    node = make(NodeKind::Binary, word, std::move(node), std::move(right));
  }
  return node;
}

NodePtr Parser::sign() {
  bool negated = false;
  while (takeWord(text, "-"))
    negated = !negated;
  NodePtr node = element();
  return negated ? make(NodeKind::Negate, "-", std::move(node)) : std::move(node);
}

NodePtr Parser::element() {
  NodePtr node = atom();
  // `[` after a blank begins something else: the shape of a weight.
  while (node && text.starts_with('[')) {
    text.remove_prefix(1);
    NodePtr index = choice();
    if (!index)
      return nullptr;
    if (!takeWord(text, "]"))
      return fail("']'");
    node = make(NodeKind::Element, "[", std::move(node), std::move(index));
  }
  return node;
}

/// Expressions with commas between, up to `end`, which is taken; a comma may stand before it.
NodePtr Parser::list(std::string_view end) {
  auto node = std::make_unique<Node>(Node{NodeKind::List, ""});
  while (end.empty() || !takeWord(text, end)) {
    NodePtr part = choice();
    if (!part)
      return nullptr;
    node->parts.push_back(std::move(part));
    bool more = takeWord(text, ",");
    skipBlanks(text);
    node->text = more ? "," : ""; // a comma at the end makes a list of one
    if (end.empty() && (!more || text.empty()))
      break;
    if (!end.empty() && !more) {
      if (!takeWord(text, end))
        return fail("',' or '" + std::string(end) + "'");
      break;
    }
  }
  return node;
}

NodePtr Parser::number() {
  size_t n = 0;
  bool real = false;
  while (n < text.size() && (isDigit(text[n]) || text[n] == '.' || text[n] == 'e' || text[n] == 'E' ||
                             ((text[n] == '-' || text[n] == '+') && (text[n - 1] == 'e' || text[n - 1] == 'E')))) {
    real |= !isDigit(text[n]);
    ++n;
  }
  auto node = std::make_unique<Node>(Node{NodeKind::Value, ""});
  const char *begin = text.data(), *end = begin + n;
  int64_t index = 0;
  double value = 0;
  std::from_chars_result result = real ? std::from_chars(begin, end, value) : std::from_chars(begin, end, index);
  if (result.ec != std::errc() || result.ptr != end || (n < text.size() && isLetter(text[n])))
    return fail("a number");
  if (real)
    node->value.it = value;
  else
    node->value.it = index;
  text.remove_prefix(n);
  return node;
}

NodePtr Parser::atom() {
  skipBlanks(text);
  if (!text.empty() && isDigit(text[0]))
    return number();
  if (text.starts_with('"')) {
    std::optional<std::string> quoted = takeQuoted(text, error);
    if (!quoted)
      return nullptr;
    auto node = std::make_unique<Node>(Node{NodeKind::Value, ""});
    node->value.it = std::move(*quoted);
    return node;
  }
  if (takeWord(text, "(")) {
    NodePtr inner = list(")"); // one expression in parentheses is itself
    return inner && inner->parts.size() == 1 && inner->text.empty() ? std::move(inner->parts[0]) : std::move(inner);
  }
  if (takeWord(text, "["))
    return list("]");
  for (bool flag : {true, false})
    if (takeWord(text, flag ? "true" : "false")) {
      auto node = std::make_unique<Node>(Node{NodeKind::Value, ""});
      node->value.it = flag;
      return node;
    }
  std::string_view before = text;
  std::string name = takeName(text);
  for (const char *word : {"if", "else", "and", "or", "not", "in"})
    if (name == word) {
      text = before;
      name.clear();
    }
  if (name.empty())
    return fail("a value");
  if (!text.starts_with('('))
    return std::make_unique<Node>(Node{NodeKind::Name, name});
  const Function *function = findFunction(name);
  if (!function) {
    text = before;
    return fail("one of the functions " + functionNames());
  }
  text.remove_prefix(1);
  NodePtr node = list(")");
  if (node && (node->parts.size() < function->least || node->parts.size() > function->most)) {
    error = "expects " + std::to_string(function->least) + (function->least == 1 ? " argument" : " arguments") +
            " of '" + name + "', but found " + std::to_string(node->parts.size());
    return nullptr;
  }
  if (node) {
    node->kind = NodeKind::Call;
    node->text = name;
  }
  return node;
}

} // namespace

Expression::Expression(std::unique_ptr<Node> node) : root(std::move(node)) {}
Expression::~Expression() = default;

std::shared_ptr<const Expression> Expression::parse(std::string_view &text, std::string &error) {
  error.clear();
  NodePtr node = Parser(text, error).choice();
  return node ? std::make_shared<const Expression>(std::move(node)) : nullptr;
}

std::shared_ptr<const Expression> Expression::parseList(std::string_view &text, std::string &error) {
  error.clear();
  NodePtr node = Parser(text, error).list("");
  if (node && node->parts.size() == 1 && node->text.empty())
    node = std::move(node->parts[0]);
  return node ? std::make_shared<const Expression>(std::move(node)) : nullptr;
}

const std::string &Expression::name() const {
  static const std::string none;
  return root->kind == NodeKind::Name ? root->text : none;
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
  if (findFunction(name)->outside)
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
