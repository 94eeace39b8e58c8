// Parser.cpp - recursive descent by Jinja's grammar, which differs from Python's in places: `~` binds tighter than `+`,
// `**` is left-associative and a minus sign binds tighter than it, filters and tests bind tighter than arithmetic.
//
// Nesting is bounded here: how deep this parser calls itself, and how high the tree of an expression grows, which
// chains of operators make grow without it. The renderer and the destructors go as deep as the tree.

#include "runtime/template/Lexer.h"
#include "runtime/template/Syntax.h"
#include "runtime/template/Text.h"

#include <initializer_list>
#include <utility>

using namespace quoin::jinja;

namespace {

using Type = Token::Type;

class Parser {
public:
  explicit Parser(std::string_view source) : tokens(tokenize(source)) {}
  Syntax run();

private:
  static constexpr int maxDepth = 200;

  std::vector<Token> tokens;
  size_t at = 0;
  int depth = 0;
  int loops = 0; ///< Around this place and not outside of a macro: what `break` needs.
  Syntax syntax;
  std::vector<Statement *> macros; ///< Whose bodies are being read.

  struct Deeper {
    explicit Deeper(Parser &parser) : parser(parser) {
      if (++parser.depth > maxDepth)
        parser.problem("expects a template nested at most " + std::to_string(maxDepth) + " deep, but it is deeper");
    }
    ~Deeper() { --parser.depth; }
    Parser &parser;
  };

  const Token &current() const { return tokens[at]; }
  const Token &ahead() const { return tokens[std::min(at + 1, tokens.size() - 1)]; }
  Token take() { return at + 1 < tokens.size() ? std::move(tokens[at++]) : tokens[at]; }
  [[noreturn]] void problem(std::string text) const { throw Problem{std::move(text), current().line}; }
  static std::string describe(const Token &token);
  bool skipName(std::string_view name);
  bool skipOperator(std::string_view symbol);
  Token expectName(const char *what);
  void expectOperator(std::string_view symbol);
  void expectBlockEnd();

  ExpressionPtr make(Expression::Kind kind, int line) const {
    auto made = std::make_unique<Expression>();
    made->kind = kind;
    made->line = line;
    return made;
  }
  template <typename... Operands>
  ExpressionPtr make(Expression::Kind kind, int line, std::string text, Operands... operands) const {
    ExpressionPtr made = make(kind, line);
    made->text = std::move(text);
    (made->operands.push_back(std::move(operands)), ...);
    return seal(std::move(made));
  }
  ExpressionPtr seal(ExpressionPtr made) const;

  // Expressions, the loosest binding first.
  ExpressionPtr tuple(bool choices, std::initializer_list<std::string_view> ends = {}, bool parenthesised = false);
  ExpressionPtr expression(bool choices = true) { return choices ? choice() : disjunction(); }
  ExpressionPtr choice();
  ExpressionPtr disjunction();
  ExpressionPtr conjunction();
  ExpressionPtr negation();
  ExpressionPtr comparison();
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool filters = true);
  ExpressionPtr primary();
  ExpressionPtr postfix(ExpressionPtr value);
  ExpressionPtr filtersAndTests(ExpressionPtr value);
  ExpressionPtr filters(ExpressionPtr value, bool first);
  ExpressionPtr test(ExpressionPtr value);
  ExpressionPtr item(ExpressionPtr value, int line);
  ExpressionPtr subscript();
  ExpressionPtr listOf(int line);
  ExpressionPtr dictOf(int line);
  void arguments(CallSyntax &call);
  template <typename Operand> ExpressionPtr chain(Operand operand, std::initializer_list<std::string_view> symbols);

  // Targets of assignments.
  ExpressionPtr target(bool namespaces, std::initializer_list<std::string_view> ends = {});
  ExpressionPtr targetPart(bool namespaces);

  // Statements.
  Body bodyUntil(std::initializer_list<std::string_view> ends);
  Body body(std::initializer_list<std::string_view> ends);
  std::unique_ptr<Statement> statement();
  std::unique_ptr<Statement> setStatement(int line);
  std::unique_ptr<Statement> ifStatement(int line);
  std::unique_ptr<Statement> forStatement(int line);
  std::unique_ptr<Statement> withStatement(int line);
  std::unique_ptr<Statement> macroStatement(int line);
  std::unique_ptr<Statement> callStatement(int line);
  void signature(Statement &macro);
  void macroBody(Statement &macro, std::string_view end);
  std::unique_ptr<Statement> makeStatement(Statement::Kind kind, int line) const {
    auto made = std::make_unique<Statement>();
    made->kind = kind;
    made->line = line;
    return made;
  }
};

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

std::string Parser::describe(const Token &token) {
  switch (token.type) {
  case Type::BlockEnd:
    return "'%}'";
  case Type::VariableEnd:
    return "'}}'";
  case Type::End:
    return "the end of the template";
  case Type::Data:
  case Type::BlockBegin:
  case Type::VariableBegin:
    return "text";
  default:
    return "'" + shown(token.text) + "'";
  }
}

bool Parser::skipName(std::string_view name) {
  if (!current().isName(name))
    return false;
  ++at;
  return true;
}

bool Parser::skipOperator(std::string_view symbol) {
  if (!current().isOperator(symbol))
    return false;
  ++at;
  return true;
}

Token Parser::expectName(const char *what) {
  if (current().type != Type::Name)
    problem(std::string("expects ") + what + ", but found " + describe(current()));
  return take();
}

void Parser::expectOperator(std::string_view symbol) {
  if (!skipOperator(symbol))
    problem("expects '" + std::string(symbol) + "', but found " + describe(current()));
}

void Parser::expectBlockEnd() {
  if (current().type != Type::BlockEnd)
    problem("expects '%}', but found " + describe(current()));
  ++at;
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

/// To be called when an expression has all its operands.
ExpressionPtr Parser::seal(ExpressionPtr made) const {
  auto count = [&](const ExpressionPtr &operand) {
    if (operand)
      made->height = std::max(made->height, operand->height + 1);
  };
  for (const ExpressionPtr &operand : made->operands)
    count(operand);
  for (const ExpressionPtr &argument : made->call.positional)
    count(argument);
  for (const auto &[name, argument] : made->call.named)
    count(argument);
  count(made->call.star);
  count(made->call.doubleStar);
  if (made->height > maxDepth)
    problem("expects expressions of at most " + std::to_string(maxDepth) + " operations in a row, but there are more");
  return made;
}

ExpressionPtr Parser::tuple(bool choices, std::initializer_list<std::string_view> ends, bool parenthesised) {
  const int line = current().line;
  auto atEnd = [&] {
    if (current().type == Type::VariableEnd || current().type == Type::BlockEnd || current().isOperator(")"))
      return true;
    for (std::string_view end : ends)
      if (current().isName(end))
        return true;
    return false;
  };
  std::vector<ExpressionPtr> parts;
  bool commas = false;
  while (!atEnd()) {
    parts.push_back(expression(choices));
    if (!skipOperator(","))
      break;
    commas = true;
  }
  if (!commas && !parts.empty())
    return std::move(parts[0]);
  if (!commas && !parenthesised)
    problem("expects an expression, but found " + describe(current()));
  ExpressionPtr made = make(Expression::Kind::Tuple, line);
  made->operands = std::move(parts);
  return seal(std::move(made));
}

ExpressionPtr Parser::choice() {
  Deeper deeper(*this);
  const int line = current().line;
  ExpressionPtr value = disjunction();
  while (skipName("if")) {
    ExpressionPtr condition = disjunction(), other;
    if (skipName("else"))
      other = choice();
    value = make(Expression::Kind::Choice, line, "", std::move(condition), std::move(value), std::move(other));
  }
  return value;
}

/// A left-associative chain of binary operators.
template <typename Operand>
ExpressionPtr Parser::chain(Operand operand, std::initializer_list<std::string_view> symbols) {
  ExpressionPtr left = operand();
  for (;;) {
    std::string_view found;
    for (std::string_view symbol : symbols)
      if (current().isOperator(symbol))
        found = symbol;
    if (found.empty())
      return left;
    const int line = take().line;
    ExpressionPtr right = operand();
    left = make(Expression::Kind::Binary, line, std::string(found), std::move(left), std::move(right));
  }
}

ExpressionPtr Parser::disjunction() {
  ExpressionPtr first = conjunction();
  if (!current().isName("or"))
    return first;
  ExpressionPtr made = make(Expression::Kind::Or, current().line, "", std::move(first));
  while (skipName("or"))
    made->operands.push_back(conjunction());
  return seal(std::move(made));
}

ExpressionPtr Parser::conjunction() {
  ExpressionPtr first = negation();
  if (!current().isName("and"))
    return first;
  ExpressionPtr made = make(Expression::Kind::And, current().line, "", std::move(first));
  while (skipName("and"))
    made->operands.push_back(negation());
  return seal(std::move(made));
}

ExpressionPtr Parser::negation() {
  if (!current().isName("not"))
    return comparison();
  Deeper deeper(*this);
  const int line = take().line;
  return make(Expression::Kind::Unary, line, "not", negation());
}

ExpressionPtr Parser::comparison() {
  const int line = current().line;
  ExpressionPtr first = sum(), made;
  for (;;) {
    std::string symbol;
    for (std::string_view each : {"==", "!=", "<", "<=", ">", ">="})
      if (current().isOperator(each))
        symbol = each;
    if (!symbol.empty()) {
      ++at;
    } else if (skipName("in")) {
      symbol = "in";
    } else if (current().isName("not") && ahead().isName("in")) {
      at += 2;
      symbol = "not in";
    } else {
      break;
    }
    if (!made)
      made = make(Expression::Kind::Compare, line, "", std::move(first));
    made->operators.push_back(std::move(symbol));
    made->operands.push_back(sum());
  }
  return made ? seal(std::move(made)) : std::move(first);
}

ExpressionPtr Parser::sum() {
  return chain([this] { return concatenation(); }, {"+", "-"});
}

ExpressionPtr Parser::concatenation() {
  ExpressionPtr first = product();
  if (!current().isOperator("~"))
    return first;
  ExpressionPtr made = make(Expression::Kind::Concat, current().line, "", std::move(first));
  while (skipOperator("~"))
    made->operands.push_back(product());
  return seal(std::move(made));
}

ExpressionPtr Parser::product() {
  return chain([this] { return power(); }, {"*", "/", "//", "%"});
}

ExpressionPtr Parser::power() {
  return chain([this] { return unary(); }, {"**"});
}

ExpressionPtr Parser::unary(bool filters) {
  Deeper deeper(*this);
  ExpressionPtr value;
  const int line = current().line;
  if (skipOperator("-"))
    value = make(Expression::Kind::Unary, line, "-", unary(false));
  else if (skipOperator("+"))
    value = make(Expression::Kind::Unary, line, "+", unary(false));
  else
    value = primary();
  value = postfix(std::move(value));
  return filters ? filtersAndTests(std::move(value)) : std::move(value);
}

ExpressionPtr Parser::primary() {
  const int line = current().line;
  switch (current().type) {
  case Type::Name: {
    std::string name = take().text;
    if (name == "true" || name == "True" || name == "false" || name == "False") {
      ExpressionPtr made = make(Expression::Kind::Constant, line);
      made->constant = Value(name == "true" || name == "True");
      return made;
    }
    if (name == "none" || name == "None") {
      ExpressionPtr made = make(Expression::Kind::Constant, line);
      made->constant = Value::none();
      return made;
    }
    for (Statement *macro : macros) {
      macro->usesCaller |= name == "caller";
      macro->usesVarargs |= name == "varargs";
      macro->usesKwargs |= name == "kwargs";
    }
    syntax.names.insert(name);
    return make(Expression::Kind::Name, line, std::move(name));
  }
  case Type::String: {
    std::string text = take().text;
    while (current().type == Type::String)
      text += take().text;
    ExpressionPtr made = make(Expression::Kind::Constant, line);
    made->constant = Value(std::move(text));
    return made;
  }
  case Type::Integer:
  case Type::Float: {
    Token token = take();
    ExpressionPtr made = make(Expression::Kind::Constant, line);
    made->constant = token.type == Type::Integer ? Value(token.integer) : Value(token.real);
    return made;
  }
  default:
    break;
  }
  if (skipOperator("(")) {
    ExpressionPtr value = tuple(true, {}, true);
    expectOperator(")");
    return value;
  }
  if (skipOperator("["))
    return listOf(line);
  if (skipOperator("{"))
    return dictOf(line);
  problem("expects an expression, but found " + describe(current()));
}

ExpressionPtr Parser::listOf(int line) {
  ExpressionPtr made = make(Expression::Kind::List, line);
  while (!current().isOperator("]")) {
    made->operands.push_back(expression());
    if (!skipOperator(","))
      break;
  }
  expectOperator("]");
  return seal(std::move(made));
}

ExpressionPtr Parser::dictOf(int line) {
  ExpressionPtr made = make(Expression::Kind::Dict, line);
  while (!current().isOperator("}")) {
    made->operands.push_back(expression());
    expectOperator(":");
    made->operands.push_back(expression());
    if (!skipOperator(","))
      break;
  }
  expectOperator("}");
  return seal(std::move(made));
}

ExpressionPtr Parser::postfix(ExpressionPtr value) {
  for (;;) {
    const int line = current().line;
    if (skipOperator(".")) {
      if (current().type == Type::Integer) {
        ExpressionPtr index = make(Expression::Kind::Constant, line);
        index->constant = Value(take().integer);
        value = make(Expression::Kind::Item, line, "", std::move(value), std::move(index));
      } else {
        std::string name = expectName("a name behind '.'").text;
        value = make(Expression::Kind::Attribute, line, std::move(name), std::move(value));
      }
    } else if (skipOperator("[")) {
      value = item(std::move(value), line);
    } else if (current().isOperator("(")) {
      value = make(Expression::Kind::Call, line, "", std::move(value));
      arguments(value->call);
      value = seal(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPtr Parser::item(ExpressionPtr value, int line) {
  std::vector<ExpressionPtr> parts;
  while (!current().isOperator("]")) {
    if (!parts.empty())
      expectOperator(",");
    parts.push_back(subscript());
  }
  expectOperator("]");
  ExpressionPtr index;
  if (parts.size() == 1) {
    index = std::move(parts[0]);
  } else {
    for (const ExpressionPtr &part : parts)
      if (part->kind == Expression::Kind::Slice)
        problem("slices of several dimensions are not supported");
    index = make(Expression::Kind::Tuple, line);
    index->operands = std::move(parts);
    index = seal(std::move(index));
  }
  return make(Expression::Kind::Item, line, "", std::move(value), std::move(index));
}

ExpressionPtr Parser::subscript() {
  const int line = current().line;
  ExpressionPtr parts[3];
  if (!current().isOperator(":")) {
    parts[0] = expression();
    if (!current().isOperator(":"))
      return std::move(parts[0]);
  }
  auto ends = [this] { return current().isOperator(":") || current().isOperator("]") || current().isOperator(","); };
  for (int i = 1; i < 3 && skipOperator(":"); ++i)
    if (!ends())
      parts[i] = expression();
  return make(Expression::Kind::Slice, line, "", std::move(parts[0]), std::move(parts[1]), std::move(parts[2]));
}

void Parser::arguments(CallSyntax &call) {
  Deeper deeper(*this);
  expectOperator("(");
  while (!current().isOperator(")")) {
    if (skipOperator("*")) {
      if (call.star || call.doubleStar)
        problem("expects one '*' in a call, before '**', but found another");
      call.star = expression();
    } else if (skipOperator("**")) {
      if (call.doubleStar)
        problem("expects one '**' in a call, but found another");
      call.doubleStar = expression();
    } else if (current().type == Type::Name && ahead().isOperator("=")) {
      std::string name = take().text;
      ++at;
      if (call.doubleStar)
        problem("expects '**' as the last argument, but '" + shown(name) + "' follows it");
      call.named.emplace_back(std::move(name), expression());
    } else {
      if (call.star || call.doubleStar || !call.named.empty())
        problem("expects arguments without a name before all others, but found one behind them");
      call.positional.push_back(expression());
    }
    if (!skipOperator(","))
      break;
  }
  expectOperator(")");
}

ExpressionPtr Parser::filtersAndTests(ExpressionPtr value) {
  for (;;) {
    if (current().isOperator("|")) {
      value = filters(std::move(value), false);
    } else if (current().isName("is")) {
      value = test(std::move(value));
    } else if (current().isOperator("(")) {
      value = make(Expression::Kind::Call, current().line, "", std::move(value));
      arguments(value->call);
      value = seal(std::move(value));
    } else {
      return value;
    }
  }
}

/// `|name(...)`, as often as it comes; the first without its bar if `first`.
ExpressionPtr Parser::filters(ExpressionPtr value, bool first) {
  for (; first || skipOperator("|"); first = false) {
    Token name = expectName("the name of a filter");
    while (skipOperator("."))
      name.text += "." + expectName("a name behind '.'").text;
    syntax.filters.emplace_back(name.text, name.line);
    value = make(Expression::Kind::Filter, name.line, std::move(name.text), std::move(value));
    if (current().isOperator("("))
      arguments(value->call);
    value = seal(std::move(value));
  }
  return value;
}

ExpressionPtr Parser::test(ExpressionPtr value) {
  const int line = take().line;
  const bool negated = skipName("not");
  Token name = expectName("the name of a test");
  while (skipOperator("."))
    name.text += "." + expectName("a name behind '.'").text;
  syntax.tests.emplace_back(name.text, name.line);
  ExpressionPtr made = make(Expression::Kind::Test, line, std::move(name.text), std::move(value));
  const Token &next = current();
  if (next.isOperator("(")) {
    arguments(made->call);
  } else if (next.type == Type::String || next.type == Type::Integer || next.type == Type::Float ||
             next.isOperator("[") || next.isOperator("{") ||
             (next.type == Type::Name && next.text != "else" && next.text != "or" && next.text != "and")) {
    if (next.text == "is" && next.type == Type::Name)
      problem("expects one test, but another 'is' follows it");
    made->call.positional.push_back(postfix(primary()));
  }
  made = seal(std::move(made));
  if (negated)
    made = make(Expression::Kind::Unary, line, "not", std::move(made));
  return made;
}

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

ExpressionPtr Parser::targetPart(bool namespaces) {
  Deeper deeper(*this);
  if (skipOperator("(")) {
    ExpressionPtr inner = target(namespaces);
    expectOperator(")");
    return inner;
  }
  Token name = expectName("a name to assign to");
  for (std::string_view constant : {"true", "false", "none", "True", "False", "None"})
    if (name.text == constant)
      problem("expects a name to assign to, but found '" + name.text + "'");
  if (namespaces && skipOperator(".")) {
    ExpressionPtr made = make(Expression::Kind::NamespaceField, name.line, expectName("a name behind '.'").text);
    syntax.names.insert(name.text);
    made->operands.push_back(make(Expression::Kind::Name, name.line, std::move(name.text)));
    return made;
  }
  return make(Expression::Kind::Name, name.line, std::move(name.text));
}

ExpressionPtr Parser::target(bool namespaces, std::initializer_list<std::string_view> ends) {
  const int line = current().line;
  ExpressionPtr first = targetPart(namespaces);
  if (!current().isOperator(","))
    return first;
  ExpressionPtr made = make(Expression::Kind::Tuple, line, "", std::move(first));
  while (skipOperator(",")) {
    bool ended = current().type == Type::BlockEnd || current().isOperator(")") || current().isOperator("=");
    for (std::string_view end : ends)
      ended |= current().isName(end);
    if (ended)
      break;
    made->operands.push_back(targetPart(namespaces));
  }
  return made;
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

Body Parser::body(std::initializer_list<std::string_view> ends) {
  skipOperator(":");
  expectBlockEnd();
  return bodyUntil(ends);
}

/// Up to a block that begins with one of `ends`, whose name is the current token then; all of the template without any.
Body Parser::bodyUntil(std::initializer_list<std::string_view> ends) {
  Deeper deeper(*this);
  Body out;
  for (;;) {
    const int line = current().line;
    switch (current().type) {
    case Type::End:
      if (ends.size() != 0)
        problem("expects '" + std::string(*(ends.end() - 1)) + "', but the template ends");
      return out;
    case Type::Data: {
      auto made = makeStatement(Statement::Kind::Data, line);
      made->text = take().text;
      out.push_back(std::move(made));
      break;
    }
    case Type::VariableBegin: {
      ++at;
      auto made = makeStatement(Statement::Kind::Output, line);
      made->expressions.push_back(tuple(true));
      if (current().type != Type::VariableEnd)
        problem("expects '}}', but found " + describe(current()));
      ++at;
      out.push_back(std::move(made));
      break;
    }
    case Type::BlockBegin:
      ++at;
      for (std::string_view end : ends)
        if (current().isName(end))
          return out;
      out.push_back(statement());
      expectBlockEnd();
      break;
    default:
      problem("expects text or a tag, but found " + describe(current()));
    }
  }
}

std::unique_ptr<Statement> Parser::statement() {
  const Token name = expectName("the name of a statement");
  const int line = name.line;
  if (name.text == "set")
    return setStatement(line);
  if (name.text == "if")
    return ifStatement(line);
  if (name.text == "for")
    return forStatement(line);
  if (name.text == "with")
    return withStatement(line);
  if (name.text == "macro")
    return macroStatement(line);
  if (name.text == "call")
    return callStatement(line);
  if (name.text == "break" || name.text == "continue") {
    if (loops == 0)
      throw Problem{"expects '" + name.text + "' inside of a loop, but it is outside", line};
    return makeStatement(name.text == "break" ? Statement::Kind::Break : Statement::Kind::Continue, line);
  }
  if (name.text == "filter") {
    auto made = makeStatement(Statement::Kind::FilterBlock, line);
    made->expressions.push_back(filters(nullptr, true));
    made->bodies.push_back(body({"endfilter"}));
    ++at;
    return made;
  }
  if (name.text == "generation") {
    auto made = makeStatement(Statement::Kind::Generation, line);
    const int around = std::exchange(loops, 0);
    made->bodies.push_back(body({"endgeneration"}));
    loops = around;
    ++at;
    return made;
  }
  if (name.text == "print") {
    auto made = makeStatement(Statement::Kind::Output, line);
    while (current().type != Type::BlockEnd) {
      made->expressions.push_back(expression());
      if (!skipOperator(","))
        break;
    }
    return made;
  }
  for (std::string_view end : {"elif", "else", "endif", "endfor", "endset", "endmacro", "endcall", "endfilter",
                               "endwith", "endgeneration", "endraw"})
    if (name.text == end)
      throw Problem{"expects a statement before '" + name.text + "' to end, but there is none", line};
  throw Problem{"the statement '" + shown(name.text) + "' is not supported", line};
}

std::unique_ptr<Statement> Parser::setStatement(int line) {
  ExpressionPtr to = target(true);
  if (skipOperator("=")) {
    auto made = makeStatement(Statement::Kind::Set, line);
    made->target = std::move(to);
    made->expressions.push_back(tuple(true));
    return made;
  }
  auto made = makeStatement(Statement::Kind::SetBlock, line);
  made->target = std::move(to);
  if (ExpressionPtr through = filters(nullptr, false))
    made->expressions.push_back(std::move(through));
  made->bodies.push_back(body({"endset"}));
  ++at;
  return made;
}

std::unique_ptr<Statement> Parser::ifStatement(int line) {
  auto made = makeStatement(Statement::Kind::If, line);
  for (;;) {
    made->expressions.push_back(tuple(false));
    made->bodies.push_back(body({"elif", "else", "endif"}));
    if (!skipName("elif"))
      break;
  }
  if (skipName("else"))
    made->bodies.push_back(body({"endif"}));
  ++at;
  return made;
}

static bool assigns(const Expression &target, std::string_view name) {
  if (target.kind == Expression::Kind::Name)
    return target.text == name;
  for (const ExpressionPtr &each : target.operands)
    if (assigns(*each, name))
      return true;
  return false;
}

std::unique_ptr<Statement> Parser::forStatement(int line) {
  auto made = makeStatement(Statement::Kind::For, line);
  made->target = target(false, {"in"});
  if (assigns(*made->target, "loop"))
    throw Problem{"expects a name to assign to, but 'loop' is the loop's own", line};
  if (!skipName("in"))
    problem("expects 'in', but found " + describe(current()));
  made->expressions.push_back(tuple(false, {"recursive"}));
  if (skipName("if"))
    made->test = expression();
  made->recursive = skipName("recursive");
  ++loops;
  made->bodies.push_back(body({"else", "endfor"}));
  --loops;
  if (skipName("else"))
    made->bodies.push_back(body({"endfor"}));
  ++at;
  return made;
}

std::unique_ptr<Statement> Parser::withStatement(int line) {
  auto made = makeStatement(Statement::Kind::With, line);
  while (current().type != Type::BlockEnd) {
    if (!made->expressions.empty())
      expectOperator(",");
    made->expressions.push_back(targetPart(false));
    expectOperator("=");
    made->expressions.push_back(expression());
  }
  made->bodies.push_back(body({"endwith"}));
  ++at;
  return made;
}

void Parser::signature(Statement &macro) {
  expectOperator("(");
  while (!current().isOperator(")")) {
    if (!macro.parameters.empty())
      expectOperator(",");
    Parameter parameter;
    parameter.name = expectName("the name of a parameter").text;
    if (skipOperator("="))
      parameter.fallback = expression();
    else if (!macro.parameters.empty() && macro.parameters.back().fallback)
      problem("expects a default for '" + shown(parameter.name) +
              "', as the parameter before it has one, but found none");
    macro.parameters.push_back(std::move(parameter));
  }
  expectOperator(")");
}

void Parser::macroBody(Statement &macro, std::string_view end) {
  macros.push_back(&macro);
  const int around = std::exchange(loops, 0);
  macro.bodies.push_back(body({end}));
  loops = around;
  macros.pop_back();
  ++at;
}

std::unique_ptr<Statement> Parser::macroStatement(int line) {
  auto made = makeStatement(Statement::Kind::Macro, line);
  made->text = expectName("the name of a macro").text;
  signature(*made);
  macroBody(*made, "endmacro");
  return made;
}

std::unique_ptr<Statement> Parser::callStatement(int line) {
  auto made = makeStatement(Statement::Kind::CallBlock, line);
  made->text = "caller";
  if (current().isOperator("("))
    signature(*made);
  made->expressions.push_back(expression());
  if (made->expressions[0]->kind != Expression::Kind::Call)
    throw Problem{"expects a call behind 'call', but found another expression", line};
  macroBody(*made, "endcall");
  return made;
}

Syntax Parser::run() {
  syntax.body = bodyUntil({});
  return std::move(syntax);
}

} // namespace

Syntax quoin::jinja::parse(std::string_view source) { return Parser(source).run(); }
