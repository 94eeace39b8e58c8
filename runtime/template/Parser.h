// Parser.h - recursive descent by Jinja's grammar, which differs from Python's in places: `~` binds tighter than `+`,
// `**` is left-associative and a minus sign binds tighter than it, filters and tests bind tighter than arithmetic.
//
// Nesting is bounded here: how deep this parser calls itself, and how high the tree of an expression grows, which
// chains of operators make grow without it. The renderer and the destructors go as deep as the tree.
//
// ParseExpressions.cpp has the expressions, Parser.cpp the rest.

#ifndef QUOIN_RUNTIME_TEMPLATE_PARSER_H
#define QUOIN_RUNTIME_TEMPLATE_PARSER_H

#include "runtime/template/Lexer.h"
#include "runtime/template/Syntax.h"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin::jinja {

/// Reads a template once. What it finds wrong it throws, as a `Problem`.
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

} // namespace quoin::jinja

#endif // QUOIN_RUNTIME_TEMPLATE_PARSER_H
