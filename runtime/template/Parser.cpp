// Parser.cpp - tokens, targets of assignments and statements; see Parser.h.

#include "runtime/template/Parser.h"
#include "runtime/template/Text.h"

using namespace quoin::jinja;

using Type = Token::Type;

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

Syntax quoin::jinja::parse(std::string_view source) { return Parser(source).run(); }
