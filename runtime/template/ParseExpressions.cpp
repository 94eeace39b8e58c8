// ParseExpressions.cpp - expressions, the loosest binding first; see Parser.h.

#include "runtime/template/Parser.h"
#include "runtime/template/Text.h"

using namespace quoin::jinja;

using Type = Token::Type;

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
