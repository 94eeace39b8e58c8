//===- UnifyMasks.cpp - masks that mean the same become the same --------------===//
//
//   1. A mask that is provably one of the plain ones (full, causal, causal by slot, block-causal of a divisor of its
//      formula) is written as that one.
//   2. Of the others, one that is provably equal to an earlier mask of the module is replaced by it.
//
// Most pairs of masks are told apart by a few hundred random tokens; only the rest is given to Presburger arithmetic.
//
//===----------------------------------------------------------------------===//

#include "passes/Counters.h"
#include "passes/MaskFacts.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include <random>
#include <set>

using namespace mlir;
using namespace quoin;
using MaskTerm = BlockMask::Op;

namespace quoin {
#define GEN_PASS_DEF_UNIFYMASKSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

static constexpr unsigned mostUnifyCases = 128;

/// Do some tokens and symbols tell the masks apart?
static bool differSomewhere(const BlockMask &a, const BlockMask &b) {
  std::minstd_rand random;
  auto draw = [&](int64_t most) { return static_cast<int64_t>(random() % static_cast<uint64_t>(most + 1)); };
  for (int i = 0; i < 400; ++i) {
    int64_t range = i % 2 ? 24 : 400;
    SmallVector<int64_t> values;
    for (size_t s = 0; s < a.symbols().size(); ++s)
      values.push_back(draw(range));
    MaskToken q{draw(range), draw(range), draw(1), draw(3)}, k{draw(range), draw(range), draw(1), draw(3)};
    if (i % 4 == 3) { // near each other
      k.position = std::max<int64_t>(0, q.position + draw(4) - 2);
      k.slot = std::max<int64_t>(0, q.slot + draw(4) - 2);
    }
    if (a.see(q, k, values) != b.see(q, k, values))
      return true;
  }
  return false;
}

/// Symbols are the same by their place, whatever they are called.
static bool isSame(const BlockMask &a, const BlockMask &b) {
  if (a.symbols().size() != b.symbols().size())
    return false;
  BlockMask renamed(std::vector(b.nodes().begin(), b.nodes().end()), a.symbols().vec(), b.arrays().vec());
  return a == renamed || (!differSomewhere(a, renamed) && proveSameMask(a, renamed, mostUnifyCases));
}

/// The plain masks that a formula may be.
static std::vector<BlockMask> plainMasks(const BlockMask &mask) {
  std::vector<BlockMask> r = {BlockMask::full(), BlockMask::causal(),
                              BlockMask({{MaskTerm::KeySlot}, {MaskTerm::QuerySlot}, {MaskTerm::Le, 0, 0, 1}}, {})};
  std::set<int64_t> divisors;
  for (const BlockMask::Node &n : mask.nodes())
    if (n.op == MaskTerm::FloorDiv && divisors.size() < 4 && divisors.insert(n.value).second)
      r.push_back(BlockMask::blockCausal(n.value));
  return r;
}

namespace {
struct UnifyMasks : quoin::impl::UnifyMasksPassBase<UnifyMasks> {
  Counter numUnified{"unify-masks", "num-masks-unified"};

  void runOnOperation() override {
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](MaskAttr mask) { return canonical(mask); });
    // In program order, so that the first of several equal masks is the one that stays.
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      where = op->getLoc();
      replacer.replaceElementsIn(op, /*replaceAttrs=*/true);
    });
  }

private:
  MaskAttr canonical(MaskAttr attribute);

  std::vector<MaskAttr> seen;
  std::optional<Location> where;
};
} // namespace

MaskAttr UnifyMasks::canonical(MaskAttr attribute) {
  const BlockMask &mask = attribute.getFormula();
  auto unify = [&](MaskAttr with) {
    if (with != attribute) {
      ++numUnified;
      std::string text = "mask " + textOf(mask) + " is " + textOf(with.getFormula());
      remark::passed(*where, remarkOn<UnifyMasks>("Mask")) << text;
    }
    return with;
  };
  if (mask.symbols().empty() && mask.arrays().empty())
    for (const BlockMask &plain : plainMasks(mask))
      if (isSame(plain, mask))
        return unify(MaskAttr::get(&getContext(), plain));
  for (MaskAttr earlier : seen)
    if (isSame(earlier.getFormula(), mask))
      return unify(earlier);
  seen.push_back(attribute);
  return attribute;
}
