//===- SnapshotFacts.cpp - rows of low labels are a call of their own ------===//

#include "passes/MaskCases.h"
#include "passes/MaskFacts.h"
#include "llvm/ADT/DenseMap.h"

using namespace quoin;
using Answer = MaskQuestion::Answer;

namespace {
/// A row and a key anywhere, with labels in a range, and one or two calls that are asked about them.
class LabelQuestion {
public:
  LabelQuestion(unsigned maxCases, int64_t &budget, int64_t label, bool keyIsHigher) : question(maxCases, budget) {
    pair = {nullptr, fresh(), fresh(), fresh(), fresh(), LinearForm(), LinearForm(), fresh(), fresh(), {}};
    question.requireLe(LinearForm(0), pair.queryLabel);
    question.requireLe(pair.queryLabel, LinearForm(label));
    question.requireLe(LinearForm(keyIsHigher ? label + 1 : 0), pair.keyLabel);
    if (!keyIsHigher)
      question.requireLe(pair.keyLabel, LinearForm(label));
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

bool quoin::proveSnapshot(llvm::ArrayRef<MaskUse> uses, int64_t label, unsigned maxCases) {
  int64_t budget = 8 * static_cast<int64_t>(maxCases);
  for (const MaskUse &a : uses) {
    if (a.mask.usesOpen())
      return false;
    LabelQuestion seesHigher(maxCases, budget, label, /*keyIsHigher=*/true);
    seesHigher.require(a, true);
    if (!seesHigher.isImpossible())
      return false;
    // Once in each order, so that both ways to differ are asked; with itself the symbols of two calls may differ.
    for (const MaskUse &b : uses) {
      LabelQuestion differ(maxCases, budget, label, /*keyIsHigher=*/false);
      differ.require(a, true);
      differ.require(b, false);
      if (!differ.isImpossible())
        return false;
    }
  }
  return true;
}
