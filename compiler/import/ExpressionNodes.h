//===- ExpressionNodes.h - what an expression is once it is read -----------===//

#ifndef QUOIN_COMPILER_IMPORT_EXPRESSIONNODES_H
#define QUOIN_COMPILER_IMPORT_EXPRESSIONNODES_H

#include "compiler/import/Expression.h"

namespace quoin {

enum class NodeKind { Value, Name, List, Call, Not, Negate, And, Or, Choice, Element, Binary };

struct Expression::Node {
  NodeKind kind;
  std::string text; // a name, a function, an operator
  TemplateValue value = {};
  std::vector<std::unique_ptr<Node>> parts = {};
};

using Node = Expression::Node;
using NodePtr = std::unique_ptr<Node>;

/// Is a function that was read answered by the expression's surroundings?
bool isAnsweredOutside(const std::string &function);

} // namespace quoin

#endif
