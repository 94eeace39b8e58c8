//===- BlindRow.cpp - looks for a row without keys ---------------------------===//

#include "passes/BlindRow.h"
#include "passes/MaskCases.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <random>
#include <set>

using namespace quoin;
using Op = BlockMask::Op;

namespace {
/// The values of run-time properties for one try.
struct Values {
  llvm::SmallVector<int64_t, 8> symbols;
  int64_t queryOpen = 0, queryLabel = 0;
  uint64_t seed = 0; ///< of the keys' properties

  MaskToken key(int64_t slot) const {
    uint64_t bits = (seed + static_cast<uint64_t>(slot)) * 0x9E3779B97F4A7C15u >> 40;
    return {slot, slot, seed ? static_cast<int64_t>(bits & 1) : 0, seed ? static_cast<int64_t>(bits >> 1 & 3) : 0};
  }
};

class BlindSearch {
public:
  BlindSearch(const BlockMask &mask, int32_t root)
      : part(std::vector(mask.nodes().begin(), mask.nodes().begin() + root + 1), mask.symbols().vec(),
             mask.arrays().vec()) {
    for (const BlockMask::Node &n : mask.nodes())
      if ((n.op == Op::Constant || n.op == Op::FloorDiv || n.op == Op::Mod) && std::abs(n.value) <= longest)
        numbers.insert(std::abs(n.value));
    for (Op op : {Op::QueryOpen, Op::KeyOpen, Op::QueryLabel, Op::KeyLabel})
      runTime |= part.uses(op);
    runTime |= part.uses(Op::Symbol);
  }

  std::set<int64_t> lengths() const;
  std::set<int64_t> rows(int64_t length) const;
  bool isBlind(int64_t row, int64_t length);
  bool isSpent() const { return budget <= 0; }

private:
  static constexpr int64_t longest = 1024, shortCall = 24;

  bool seesSomething(int64_t row, int64_t length, const Values &values);
  bool see(int64_t row, const MaskToken &key, const Values &values) {
    budget -= static_cast<int64_t>(part.nodes().size());
    return part.see({row, row, values.queryOpen, values.queryLabel}, key, values.symbols);
  }
  bool isProvenBlind(int64_t row, int64_t length);

  BlockMask part;
  std::set<int64_t> numbers;
  bool runTime = false;
  int64_t budget = 4'000'000, proofs = 16;
  std::minstd_rand random;
};
} // namespace

std::set<int64_t> BlindSearch::lengths() const {
  std::set<int64_t> r;
  for (int64_t n = 1; n <= shortCall; ++n)
    r.insert(n);
  for (int64_t c : numbers)
    for (int64_t n : {c - 1, c, c + 1, c + 2, 2 * c, 2 * c + 1})
      if (n >= 1 && n <= 2 * longest + 1)
        r.insert(n);
  return r;
}

std::set<int64_t> BlindSearch::rows(int64_t length) const {
  std::set<int64_t> r;
  auto add = [&](int64_t row) {
    if (row >= 0 && row < length)
      r.insert(row);
  };
  if (length <= shortCall) {
    for (int64_t i = 0; i < length; ++i)
      add(i);
    return r;
  }
  for (int64_t i = 0; i < 4; ++i) {
    add(i);
    add(length - 1 - i);
  }
  for (int64_t c : numbers)
    for (int64_t i : {c - 1, c, c + 1, length - c})
      add(i);
  return r;
}

bool BlindSearch::seesSomething(int64_t row, int64_t length, const Values &values) {
  for (int64_t k : {row, row - 1, row + 1, int64_t(0), length - 1})
    if (k >= 0 && k < length && see(row, values.key(k), values))
      return true;
  constexpr int64_t side = 64;
  MaskBox query{{row, row}, {row, row}, {values.queryOpen, values.queryOpen}, {values.queryLabel, values.queryLabel}};
  for (int64_t from = 0; from < length; from += side) {
    int64_t to = std::min(from + side, length);
    budget -= static_cast<int64_t>(part.nodes().size());
    if (part.classify(query, {{from, to - 1}, {from, to - 1}, {0, 1}, {0, 3}}, values.symbols) == Tile::Empty)
      continue;
    for (int64_t k = from; k < to; ++k)
      if (see(row, values.key(k), values))
        return true;
  }
  return false;
}

/// Is there no key that the row sees, whatever the run-time properties are?
bool BlindSearch::isProvenBlind(int64_t row, int64_t length) {
  if (proofs-- <= 0)
    return false;
  int64_t cases = 512;
  MaskQuestion question(256, cases);
  auto fresh = [&] { return LinearForm::variable(question.addVariable()); };
  LinearForm q(row), k = fresh();
  MaskInstance instance{&part, q, k, q, k, fresh(), fresh(), fresh(), fresh(), {}};
  for (size_t i = 0; i < part.symbols().size(); ++i)
    instance.symbols.push_back(fresh());
  question.requireLe(LinearForm(0), k);
  question.requireLe(k, LinearForm(length), 1);
  for (const LinearForm &open : {instance.queryOpen, instance.keyOpen}) {
    question.requireLe(LinearForm(0), open);
    question.requireLe(open, LinearForm(1));
  }
  question.require(std::move(instance), true);
  return question.solve() == MaskQuestion::Answer::None;
}

bool BlindSearch::isBlind(int64_t row, int64_t length) {
  Values values;
  values.symbols.assign(part.symbols().size(), 0);
  if (seesSomething(row, length, values))
    return false;
  if (!runTime)
    return budget > 0;
  for (int i = 0; i < 40; ++i) {
    for (int64_t &s : values.symbols)
      s = static_cast<int64_t>(random() % static_cast<uint64_t>(2 * length + 3)) - 1;
    values.queryOpen = random() & 1;
    values.queryLabel = random() % 4;
    values.seed = random();
    if (seesSomething(row, length, values))
      return false;
  }
  return isProvenBlind(row, length);
}

std::string BlindRow::message() const {
  return "expects each row to see a key, but row " + std::to_string(row) + " of " + std::to_string(length) +
         " sees none in '" + term + "'";
}

std::optional<BlindRow> quoin::findBlindRow(const BlockMask &mask, std::optional<int64_t> length) {
  BlindSearch search(mask, mask.root());
  if (!length && !mask.arrays().empty())
    length = static_cast<int64_t>(mask.arrays().front().values.size());
  for (int64_t n : length ? std::set<int64_t>{*length} : search.lengths())
    for (int64_t row : search.rows(n)) {
      if (search.isSpent())
        return std::nullopt;
      if (!search.isBlind(row, n))
        continue;
      // A part that alone is to blame: one side of an `and`.
      int32_t node = mask.root();
      for (bool narrower = true; narrower && mask.nodes()[node].op == Op::And;) {
        narrower = false;
        for (int32_t side : {mask.nodes()[node].lhs, mask.nodes()[node].rhs})
          if (!narrower && BlindSearch(mask, side).isBlind(row, n)) {
            node = side;
            narrower = true;
          }
      }
      return BlindRow{row, n, mask.term(node)};
    }
  return std::nullopt;
}
