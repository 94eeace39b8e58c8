//===- Expression.cpp - reads the expressions of templates -----------------===//
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

#include "compiler/import/ExpressionNodes.h"
#include "support/JsonText.h"
#include <charconv>

using namespace quoin;

namespace {

constexpr int maxDepth = 64;

struct Function {
  const char *name;
  size_t least, most;
  bool outside; // answered by the surroundings
};

constexpr Function functions[] = {
    {"len", 1, 1, false},  {"str", 1, 1, false}, {"int", 1, 1, false},   {"real", 1, 1, false},  {"sqrt", 1, 1, false},
    {"exp", 1, 1, false},  {"log", 1, 1, false}, {"floor", 1, 1, false}, {"ceil", 1, 1, false},  {"abs", 1, 1, false},
    {"min", 2, 2, false},  {"max", 2, 2, false}, {"pow", 2, 2, false},   {"lower", 1, 1, false}, {"given", 1, 1, true},
    {"is", 2, 2, true},    {"raw", 1, 1, true},  {"has", 1, 1, true},    {"shape", 1, 1, true},  {"same", 3, 3, true},
    {"tokens", 0, 0, true}};

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
// Parsing
//===----------------------------------------------------------------------===//

namespace {

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

bool quoin::isAnsweredOutside(const std::string &function) { return findFunction(function)->outside; }

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
