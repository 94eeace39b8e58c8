//===- SnapshotFacts.cpp - rows that are a call of their own ---------------===//

#include "passes/MaskCases.h"
#include "passes/MaskFacts.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"

using namespace quoin;
using Answer = MaskQuestion::Answer;

namespace {
/// A row and a key anywhere, and one or two calls that are asked about them.
class PairQuestion {
public:
  PairQuestion(unsigned maxCases, int64_t &budget) : question(maxCases, budget) {
    pair = {nullptr, fresh(), fresh(), fresh(), fresh(), LinearForm(), LinearForm(), fresh(), fresh(), {}};
  }

  void requireLabels(int64_t label, bool keyIsHigher) {
    question.requireLe(LinearForm(0), pair.queryLabel);
    question.requireLe(pair.queryLabel, LinearForm(label));
    question.requireLe(LinearForm(keyIsHigher ? label + 1 : 0), pair.keyLabel);
    if (!keyIsHigher)
      question.requireLe(pair.keyLabel, LinearForm(label));
  }
  void requireSlots(bool keyIsBehind) {
    if (keyIsBehind)
      question.requireLe(pair.querySlot, pair.keySlot, 1);
    else
      question.requireLe(pair.keySlot, pair.querySlot);
    for (const LinearForm &place : {pair.queryPosition, pair.keyPosition, pair.querySlot, pair.keySlot})
      question.requireLe(LinearForm(0), place);
  }

  void require(const MaskUse &use, bool holds) {
    MaskInstance instance = pair;
    instance.mask = &use.mask;
    for (size_t i = 0; i < use.mask.symbols().size(); ++i) {
      int id = i < use.shared.size() ? use.shared[i] : -1;
      instance.symbols.push_back(id < 0 ? fresh() : sharedValue(id));
    }
    question.require(instance, holds);
  }
  bool isImpossible() const { return question.solve() == Answer::None; }

private:
  LinearForm fresh() { return LinearForm::variable(question.addVariable()); }
  LinearForm sharedValue(int id) {
    auto [it, isNew] = sharedVariables.try_emplace(id, 0u);
    if (isNew)
      it->second = question.addVariable();
    return LinearForm::variable(it->second);
  }

  MaskQuestion question;
  MaskInstance pair;
  llvm::DenseMap<int, unsigned> sharedVariables;
};
} // namespace

/// No row of the pairs that `limit` describes sees a key that is `beyond`, and all masks agree on the others.
static bool isCallOfItsOwn(llvm::ArrayRef<MaskUse> uses, unsigned maxCases,
                           llvm::function_ref<void(PairQuestion &, bool beyond)> limit) {
  int64_t budget = 8 * static_cast<int64_t>(maxCases);
  for (const MaskUse &a : uses) {
    if (a.mask.usesOpen())
      return false;
    PairQuestion seesBeyond(maxCases, budget);
    limit(seesBeyond, true);
    seesBeyond.require(a, true);
    if (!seesBeyond.isImpossible())
      return false;
    // Once in each order, so that both ways to differ are asked; with itself the symbols of two calls may differ.
    for (const MaskUse &b : uses) {
      PairQuestion differ(maxCases, budget);
      limit(differ, false);
      differ.require(a, true);
      differ.require(b, false);
      if (!differ.isImpossible())
        return false;
    }
  }
  return true;
}

bool quoin::proveSnapshot(llvm::ArrayRef<MaskUse> uses, int64_t label, unsigned maxCases) {
  return isCallOfItsOwn(uses, maxCases,
                        [&](PairQuestion &question, bool beyond) { question.requireLabels(label, beyond); });
}

bool quoin::proveCausalBySlot(llvm::ArrayRef<MaskUse> uses, unsigned maxCases) {
  return isCallOfItsOwn(uses, maxCases, [](PairQuestion &question, bool beyond) { question.requireSlots(beyond); });
}
