//===- MaskCases.cpp - formulas to polyhedra, case by case -----------------===//

#include "passes/MaskCases.h"
#include "mlir/Analysis/Presburger/IntegerRelation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <map>

using namespace quoin;
using Op = BlockMask::Op;
using mlir::presburger::IntegerPolyhedron;
using mlir::presburger::PresburgerSpace;

unsigned MaskQuestion::addQuotient(const LinearForm &a, int64_t block) {
  // block * v <= a <= block * v + block - 1
  unsigned v = addVariable();
  LinearForm low, high(block - 1);
  low.terms.push_back({v, block});
  high.terms.push_back({v, block});
  requireLe(low, a);
  requireLe(a, high);
  return v;
}

namespace {
/// A comparison of one formula, as it holds in a case.
struct Literal {
  unsigned formula;
  int32_t node;
  Op op; // Le, Lt, Ge, Gt or Eq
};
using Case = llvm::SmallVector<Literal, 8>;
using Cases = std::vector<Case>;
} // namespace

static Op negate(Op op) {
  switch (op) {
  case Op::Le:
    return Op::Gt;
  case Op::Lt:
    return Op::Ge;
  case Op::Ge:
    return Op::Lt;
  case Op::Gt:
    return Op::Le;
  case Op::Eq:
    return Op::Ne;
  default:
    return Op::Eq;
  }
}

static std::optional<Cases> product(const Cases &a, const Cases &b, unsigned limit) {
  if (a.size() * b.size() > limit)
    return std::nullopt;
  Cases r;
  for (const Case &x : a)
    for (const Case &y : b) {
      r.push_back(x);
      r.back().append(y.begin(), y.end());
    }
  return r;
}

/// The cases in which a node of a formula holds (or fails), or nothing if there are more than `limit`.
static std::optional<Cases> casesOf(const BlockMask &mask, unsigned formula, int32_t node, bool holds, unsigned limit) {
  const BlockMask::Node &n = mask.nodes()[node];
  if (n.op == Op::Not)
    return casesOf(mask, formula, n.lhs, !holds, limit);
  if (n.op == Op::And || n.op == Op::Or) {
    auto a = casesOf(mask, formula, n.lhs, holds, limit);
    auto b = a ? casesOf(mask, formula, n.rhs, holds, limit) : std::nullopt;
    if (!b)
      return std::nullopt;
    if ((n.op == Op::And) == holds)
      return product(*a, *b, limit);
    if (a->size() + b->size() > limit)
      return std::nullopt;
    a->insert(a->end(), b->begin(), b->end());
    return a;
  }
  Op op = holds ? n.op : negate(n.op);
  if (op == Op::Ne)
    return Cases{{Literal{formula, node, Op::Lt}}, {Literal{formula, node, Op::Gt}}};
  return Cases{{Literal{formula, node, op}}};
}

namespace {
/// One case as a polyhedron. Coefficients that leave int64_t make it `lost`: no answer.
class Polyhedron {
public:
  explicit Polyhedron(unsigned variables) : set(PresburgerSpace::getSetSpace(variables)) {}

  void addLe(const LinearForm &a, const LinearForm &b, int64_t gap) {
    LinearForm d = sum(b, a, -1);
    d.constant = checked(llvm::SubOverflow<int64_t>, d.constant, gap);
    set.addInequality(row(d));
  }
  void add(const MaskInstance &instance, const Literal &l) {
    const BlockMask::Node &n = instance.mask->nodes()[l.node];
    LinearForm a = term(instance, l.formula, n.lhs), b = term(instance, l.formula, n.rhs);
    if (l.op == Op::Le || l.op == Op::Lt || l.op == Op::Eq)
      addLe(a, b, l.op == Op::Lt);
    if (l.op == Op::Ge || l.op == Op::Gt || l.op == Op::Eq)
      addLe(b, a, l.op == Op::Gt);
  }
  bool lost = false;
  bool isEmpty() const { return set.isIntegerEmpty(); }
  int64_t cost() const { return 1 + static_cast<int64_t>(quotients.size()); }
  /// Deciding emptiness takes time that may double with each division, and grows with the size of numbers; beyond these
  /// bounds, which published masks stay far below, it can take minutes.
  bool isTooHard() const {
    constexpr size_t mostQuotients = 8;
    const int64_t largestNumber = 1 << 20;
    if (quotients.size() > mostQuotients)
      return true;
    for (unsigned r = 0; r < set.getNumInequalities(); ++r)
      for (const auto &number : set.getInequality(r))
        if (llvm::abs(number) > largestNumber)
          return true;
    return false;
  }

private:
  template <typename F> int64_t checked(F overflow, int64_t a, int64_t b) {
    int64_t r = 0;
    // Far from the border: compiled code computes the same numbers in int64_t without wrapping.
    if (overflow(a, b, r) || r > (int64_t(1) << 31) || r < -(int64_t(1) << 31)) {
      lost = true;
      return 0;
    }
    return r;
  }
  /// a + c * b
  LinearForm sum(const LinearForm &a, const LinearForm &b, int64_t c) {
    LinearForm r = a;
    for (auto [v, f] : b.terms)
      r.terms.push_back({v, checked(llvm::MulOverflow<int64_t>, f, c)});
    r.constant = checked(llvm::AddOverflow<int64_t>, r.constant, checked(llvm::MulOverflow<int64_t>, b.constant, c));
    return r;
  }
  llvm::SmallVector<int64_t> row(const LinearForm &f) {
    llvm::SmallVector<int64_t> r(set.getNumCols(), 0);
    for (auto [v, c] : f.terms)
      r[v] = checked(llvm::AddOverflow<int64_t>, r[v], c);
    r.back() = f.constant;
    return r;
  }
  LinearForm quotient(const LinearForm &a, int64_t d) {
    llvm::SmallVector<int64_t> dividend = row(a);
    std::vector<int64_t> key = {d, dividend.back()};
    for (unsigned v = 0; v + 1 < dividend.size(); ++v)
      if (dividend[v] != 0)
        key.insert(key.end(), {v, dividend[v]});
    auto [it, isNew] = quotients.try_emplace(key, 0);
    if (isNew)
      it->second = set.addLocalFloorDiv(dividend, d);
    return LinearForm::variable(it->second);
  }
  /// Any number that the array holds, the same at each place. Which slot it belongs to is not followed.
  LinearForm arrayValue(const LabelArray &array, bool query) {
    auto [it, isNew] = arrayValues.try_emplace({array.values, query}, 0);
    if (isNew) {
      it->second = set.appendVar(mlir::presburger::VarKind::Local);
      auto [low, high] = std::minmax_element(array.values.begin(), array.values.end());
      set.addBound(mlir::presburger::BoundType::LB, it->second, *low);
      set.addBound(mlir::presburger::BoundType::UB, it->second, *high);
    }
    return LinearForm::variable(it->second);
  }
  LinearForm term(const MaskInstance &i, unsigned formula, int32_t node) {
    const BlockMask::Node &n = i.mask->nodes()[node];
    auto operand = [&](int32_t o) { return term(i, formula, o); };
    switch (n.op) {
    case Op::QueryPosition:
      return i.queryPosition;
    case Op::KeyPosition:
      return i.keyPosition;
    case Op::QuerySlot:
      return i.querySlot;
    case Op::KeySlot:
      return i.keySlot;
    case Op::QueryOpen:
      return i.queryOpen;
    case Op::KeyOpen:
      return i.keyOpen;
    case Op::QueryLabel:
      return i.queryLabel;
    case Op::KeyLabel:
      return i.keyLabel;
    case Op::QueryArray:
      return arrayValue(i.mask->arrays()[n.value], true);
    case Op::KeyArray:
      return arrayValue(i.mask->arrays()[n.value], false);
    case Op::Symbol:
      return i.symbols[n.value];
    case Op::Constant:
      return LinearForm(checked(llvm::AddOverflow<int64_t>, n.value, 0));
    case Op::Add:
      return sum(operand(n.lhs), operand(n.rhs), 1);
    case Op::Sub:
      return sum(operand(n.lhs), operand(n.rhs), -1);
    case Op::Mul:
      return sum(LinearForm(), operand(n.lhs), checked(llvm::AddOverflow<int64_t>, n.value, 0));
    case Op::FloorDiv:
      return quotient(operand(n.lhs), n.value);
    default: { // Mod: a - d * (a floordiv d)
      LinearForm a = operand(n.lhs);
      return sum(a, quotient(a, n.value), -checked(llvm::AddOverflow<int64_t>, n.value, 0));
    }
    }
  }

  IntegerPolyhedron set;
  std::map<std::vector<int64_t>, unsigned> quotients;
  std::map<std::pair<std::vector<int64_t>, bool>, unsigned> arrayValues;
};
} // namespace

MaskQuestion::Answer MaskQuestion::solve() const {
  Cases cases(1);
  for (auto [i, f] : llvm::enumerate(formulas)) {
    auto more = casesOf(*f.instance.mask, i, f.instance.mask->root(), f.holds, maxCases);
    auto all = more ? product(cases, *more, maxCases) : std::nullopt;
    if (!all)
      return Answer::TooManyCases;
    cases = std::move(*all);
  }
  for (const Case &c : cases) {
    Polyhedron polyhedron(variables);
    for (const Ordered &o : ordered)
      polyhedron.addLe(o.a, o.b, o.gap);
    for (const Literal &l : c)
      polyhedron.add(formulas[l.formula].instance, l);
    budget -= polyhedron.cost();
    if (polyhedron.lost || budget < 0 || polyhedron.isTooHard())
      return Answer::TooManyCases;
    if (!polyhedron.isEmpty())
      return Answer::Some;
  }
  return Answer::None;
}
