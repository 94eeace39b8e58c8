//===- MaskCases.cpp - formulas to polyhedra, case by case -----------------===//

#include "passes/MaskCases.h"
#include "mlir/Analysis/Presburger/IntegerRelation.h"
#include "mlir/Analysis/Presburger/Simplex.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <map>

using namespace quoin;
using Op = BlockMask::Op;
using Answer = MaskQuestion::Answer;
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
/// A node of a formula that must hold or fail, or a comparison that must hold as another one.
struct Obligation {
  unsigned formula;
  int32_t node;
  bool holds;
  std::optional<Op> as;
};
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
  /// Whether a literal holds, if that is seen at once: its terms are numbers.
  std::optional<bool> decide(const MaskInstance &instance, const Literal &l) {
    const BlockMask::Node &n = instance.mask->nodes()[l.node];
    LinearForm a = term(instance, l.formula, n.lhs), b = term(instance, l.formula, n.rhs);
    if (lost || !a.terms.empty() || !b.terms.empty())
      return std::nullopt;
    switch (l.op) {
    case Op::Le:
      return a.constant <= b.constant;
    case Op::Lt:
      return a.constant < b.constant;
    case Op::Ge:
      return a.constant >= b.constant;
    case Op::Gt:
      return a.constant > b.constant;
    case Op::Eq:
      return a.constant == b.constant;
    default:
      return a.constant != b.constant;
    }
  }
  bool lost = false;
  bool isEmpty() const { return set.isIntegerEmpty(); }
  bool isRationallyEmpty() const { return mlir::presburger::Simplex(set).isEmpty(); }
  size_t size() const { return set.getNumInequalities(); }
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

namespace {
/// Goes through the cases of all formulas, depth first: what must hold in any case becomes constraints, then one
/// disjunction is split. A branch whose constraints have no rational point is left at once, which is what most cases of
/// long formulas come to.
class Search {
public:
  Search(llvm::ArrayRef<MaskInstance> instances, unsigned maxCases, int64_t &budget)
      : instances(instances), cases(maxCases), budget(budget) {}

  Answer run(Polyhedron polyhedron, llvm::SmallVector<Obligation> todo, unsigned depth = 0);

private:
  static constexpr size_t mostSplits = 64, mostConstraints = 512;

  llvm::ArrayRef<MaskInstance> instances;
  int64_t cases;
  int64_t &budget;
};
} // namespace

Answer Search::run(Polyhedron polyhedron, llvm::SmallVector<Obligation> todo, unsigned depth) {
  llvm::SmallVector<Obligation> splits;
  while (!todo.empty()) {
    Obligation o = todo.pop_back_val();
    const MaskInstance &instance = instances[o.formula];
    const BlockMask::Node &n = instance.mask->nodes()[o.node];
    if (n.op == Op::Not) {
      todo.push_back({o.formula, n.lhs, !o.holds, {}});
    } else if (n.op == Op::And || n.op == Op::Or) {
      if ((n.op == Op::And) != o.holds) {
        splits.push_back(o);
        continue;
      }
      todo.push_back({o.formula, n.rhs, o.holds, {}});
      todo.push_back({o.formula, n.lhs, o.holds, {}});
    } else {
      Literal literal{o.formula, o.node, o.as ? *o.as : o.holds ? n.op : negate(n.op)};
      std::optional<bool> known = polyhedron.decide(instance, literal);
      if (known && !*known)
        return Answer::None;
      if (!known && literal.op == Op::Ne)
        splits.push_back(o);
      else if (!known)
        polyhedron.add(instance, literal);
    }
  }
  if (polyhedron.lost || polyhedron.size() > mostConstraints)
    return Answer::TooManyCases;
  if (splits.empty()) {
    budget -= polyhedron.cost();
    if (budget < 0 || --cases < 0 || polyhedron.isTooHard())
      return Answer::TooManyCases;
    return polyhedron.isEmpty() ? Answer::None : Answer::Some;
  }
  // Constraints are only added, so what is too hard here stays so.
  budget -= polyhedron.cost();
  if (budget < 0 || depth > mostSplits || splits.size() > mostSplits || polyhedron.isTooHard())
    return Answer::TooManyCases;
  if (polyhedron.isRationallyEmpty())
    return Answer::None;

  // The split that was found last stands on top of the list; branches put their own there.
  Obligation split = splits.front();
  const BlockMask::Node &n = instances[split.formula].mask->nodes()[split.node];
  bool isComparison = n.op != Op::And && n.op != Op::Or;
  for (bool first : {true, false}) {
    llvm::SmallVector<Obligation> next(splits.rbegin(), splits.rend() - 1);
    if (isComparison)
      next.push_back({split.formula, split.node, true, first ? Op::Lt : Op::Gt});
    else
      next.push_back({split.formula, first ? n.lhs : n.rhs, split.holds, {}});
    if (Answer answer = run(polyhedron, std::move(next), depth + 1); answer != Answer::None)
      return answer;
  }
  return Answer::None;
}

MaskQuestion::Answer MaskQuestion::solve() const {
  Polyhedron polyhedron(variables);
  for (const Ordered &o : ordered)
    polyhedron.addLe(o.a, o.b, o.gap);
  std::vector<MaskInstance> instances;
  llvm::SmallVector<Obligation> todo;
  for (const Formula &f : formulas)
    instances.push_back(f.instance);
  for (unsigned i = formulas.size(); i-- > 0;)
    todo.push_back({i, formulas[i].instance.mask->root(), formulas[i].holds, {}});
  return Search(instances, maxCases, budget).run(std::move(polyhedron), std::move(todo));
}
