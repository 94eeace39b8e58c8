// Syntax.h - the tree of a template, which the renderer walks.

#ifndef QUOIN_RUNTIME_TEMPLATE_SYNTAX_H
#define QUOIN_RUNTIME_TEMPLATE_SYNTAX_H

#include "runtime/template/Value.h"

#include <set>

namespace quoin::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

/// What stands between the parentheses of a call.
struct CallSyntax {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr star, doubleStar; ///< `*args` and `**kwargs`.
};

struct Expression {
  enum class Kind : uint8_t {
    Constant,
    Name,
    NamespaceField, ///< `ns.field`, only as a target.
    List,
    Tuple,
    Dict,      ///< Operands: key, value, key, value.
    Attribute, ///< Operand `.` text.
    Item,      ///< Operand `[` operand `]`.
    Slice,     ///< Start, stop and step, any of them null; only in an Item.
    Call,
    Filter, ///< The operand is null in a filter block.
    Test,
    Unary,   ///< text: `-`, `+` or `not`.
    Binary,  ///< text: an arithmetic operator.
    Concat,  ///< `~` over all operands.
    Compare, ///< Operands, with operators between them.
    And,
    Or,
    Choice, ///< value if condition else other: condition, value, other or null.
  };
  Kind kind;
  int line = 0;
  int height = 1;   ///< Of the tree below, bounded as Parser.cpp says.
  std::string text; ///< A name, an attribute, an operator.
  Value constant;
  std::vector<ExpressionPtr> operands;
  std::vector<std::string> operators;
  CallSyntax call;
};

struct Statement;
using Body = std::vector<std::unique_ptr<Statement>>;

struct Parameter {
  std::string name;
  ExpressionPtr fallback; ///< Null: none.
};

struct Statement {
  enum class Kind : uint8_t {
    Data,
    Output,   ///< Prints its expressions.
    Set,      ///< target = expression.
    SetBlock, ///< target = the text of the body, through the filters.
    If,       ///< Expressions are conditions, each with a body; one more body is the else.
    For,      ///< target in expression, `if` test; bodies: loop and else.
    With,     ///< Targets and expressions in turn.
    Macro,
    CallBlock,
    FilterBlock,
    Generation, ///< A stretch that the assistant says: a scope, else nothing.
    Break,
    Continue,
  };
  Kind kind;
  int line = 0;
  std::string text; ///< Data; the name of a macro.
  ExpressionPtr target, test;
  std::vector<ExpressionPtr> expressions;
  std::vector<Body> bodies;
  std::vector<Parameter> parameters;
  bool recursive = false;
  /// Whether a macro's body asks for what its parameters do not name.
  bool usesCaller = false, usesVarargs = false, usesKwargs = false;
};

struct Syntax {
  Body body;
  /// Names that are read somewhere, and names of filters and tests with the lines they are first used in.
  std::set<std::string> names;
  std::vector<std::pair<std::string, int>> filters, tests;
};

/// Throws Problem.
Syntax parse(std::string_view source);

} // namespace quoin::jinja

#endif // QUOIN_RUNTIME_TEMPLATE_SYNTAX_H
