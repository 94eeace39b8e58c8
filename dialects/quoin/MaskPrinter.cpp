//===- MaskPrinter.cpp - the text of mask formulas --------------------------===//
//
// Only parentheses that the grammar needs are printed, so a formula has one text; what is printed parses to the same
// nodes.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/BlockMask.h"
#include "llvm/Support/raw_ostream.h"

using namespace quoin;
using Op = BlockMask::Op;

/// How strongly an operator binds; operands that bind less are put in parentheses.
static int precedence(Op op) {
  switch (op) {
  case Op::Or:
    return 1;
  case Op::And:
    return 2;
  case Op::Not:
    return 3;
  case Op::Le:
  case Op::Lt:
  case Op::Ge:
  case Op::Gt:
  case Op::Eq:
  case Op::Ne:
    return 4;
  case Op::Add:
  case Op::Sub:
    return 5;
  case Op::Mul:
  case Op::FloorDiv:
  case Op::Mod:
    return 6;
  default:
    return 7;
  }
}

static llvm::StringRef spelling(Op op) {
  switch (op) {
  case Op::QueryPosition:
    return "q";
  case Op::KeyPosition:
    return "k";
  case Op::QuerySlot:
    return "slot(q)";
  case Op::KeySlot:
    return "slot(k)";
  case Op::QueryOpen:
    return "open(q)";
  case Op::KeyOpen:
    return "open(k)";
  case Op::QueryLabel:
    return "label(q)";
  case Op::KeyLabel:
    return "label(k)";
  case Op::Add:
    return "+";
  case Op::Sub:
    return "-";
  case Op::Mul:
    return "*";
  case Op::FloorDiv:
    return "floordiv";
  case Op::Mod:
    return "mod";
  case Op::Le:
    return "le";
  case Op::Lt:
    return "lt";
  case Op::Ge:
    return "ge";
  case Op::Gt:
    return "gt";
  case Op::Eq:
    return "eq";
  case Op::Ne:
    return "ne";
  case Op::And:
    return "and";
  case Op::Or:
    return "or";
  default:
    return "not";
  }
}

void BlockMask::printNode(llvm::raw_ostream &os, int32_t index, int parent) const {
  const Node &n = formula[index];
  int own = precedence(n.op);
  bool parens = own < parent;
  if (parens)
    os << '(';
  switch (n.op) {
  case Op::Constant:
    os << n.value;
    break;
  case Op::Symbol:
    os << names[n.value];
    break;
  case Op::QueryArray:
  case Op::KeyArray:
    os << labels[n.value].name << (n.op == Op::QueryArray ? "(q)" : "(k)");
    break;
  case Op::Mul:
  case Op::FloorDiv:
  case Op::Mod:
    printNode(os, n.lhs, own);
    os << ' ' << spelling(n.op) << ' ' << n.value;
    break;
  case Op::Not:
    os << "not ";
    printNode(os, n.lhs, own + 1);
    break;
  default:
    if (n.lhs < 0) {
      os << spelling(n.op);
      break;
    }
    // Comparisons do not associate; the others do to the left.
    printNode(os, n.lhs, own == 4 ? own + 1 : own);
    os << ' ' << spelling(n.op) << ' ';
    printNode(os, n.rhs, own + 1);
  }
  if (parens)
    os << ')';
}

std::string BlockMask::term(int32_t node) const {
  std::string text;
  llvm::raw_string_ostream os(text);
  printNode(os, node, 0);
  return text;
}

/// Runs of equal values: `0 : 64` stands for 64 zeros.
static void printArray(llvm::raw_ostream &os, const LabelArray &array) {
  os << array.name << " = [";
  for (size_t i = 0, end; i < array.values.size(); i = end) {
    for (end = i; end < array.values.size() && array.values[end] == array.values[i];)
      ++end;
    os << (i ? ", " : "") << array.values[i];
    if (end - i > 1)
      os << " : " << end - i;
  }
  os << ']';
}

void BlockMask::print(llvm::raw_ostream &os) const {
  os << "(q, k)";
  if (!names.empty()) {
    os << '[';
    llvm::interleaveComma(names, os);
    os << ']';
  }
  for (auto [i, array] : llvm::enumerate(labels)) {
    os << (i ? ", " : " where ");
    printArray(os, array);
  }
  os << " : ";
  printNode(os, root(), 0);
}
