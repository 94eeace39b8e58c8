//===- MaskImplications.cpp - proofs that one mask shows what another does -===//

#include "passes/MaskBounds.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace quoin;
using Answer = MaskQuestion::Answer;

bool quoin::proveSeesKept(llvm::ArrayRef<MaskUse> uses, const MaskFactsOptions &options, const MaskFacts &facts) {
  int64_t budget = options.budget;
  for (auto [use, prefix] : llvm::zip_equal(uses, facts.prefixes)) {
    if (prefix.kind == StablePrefix::Kind::Nothing)
      continue;
    llvm::SmallVector<const ThenRows *> rows = {nullptr};
    for (const ThenRows &then : use.then)
      rows.push_back(&then);
    for (const ThenRows *then : rows) {
      MaskQuestion question(options.maxCases, budget);
      auto fresh = [&] { return LinearForm::variable(question.addVariable()); };
      LinearForm q = fresh(), k = fresh(), to = fresh(), zero;
      MaskInstance one{&use.mask, q, k, q, k, zero, zero, zero, zero, {}};
      for (size_t i = 0; i < use.mask.symbols().size(); ++i)
        one.symbols.push_back(i < use.isEnd.size() && use.isEnd[i] ? to : fresh());
      // The key is kept: it is one of the sequence, and not open if the mask asks for that.
      question.requireLe(zero, k);
      question.requireLe(k, to, 1);
      addBelowPrefix(question, k, prefix, one.symbols, 1);
      question.requireLe(k, q, 1);
      placeAnywhere(question, options, one.keyPosition);
      if (then) {
        question.requireLe(to, q);
        one.queryPosition = fresh();
        question.requireLe(zero, one.queryPosition);
        if (then->above)
          question.requireLe(to, one.queryPosition, *then->above);
        one.queryLabel = fresh();
        addLabelRange(question, one.queryLabel, then->lowLabel, then->highLabel);
      } else {
        question.requireLe(q, to, 1);
        placeAnywhere(question, options, one.queryPosition);
        if (use.mask.usesOpen()) {
          one.queryOpen = fresh();
          addBetween(question, zero, one.queryOpen, LinearForm(1));
        }
      }
      if (options.sequenceLabels) {
        if (!then)
          one.queryLabel = fresh();
        one.keyLabel = fresh();
        for (const LinearForm &label : {then ? one.keyLabel : one.queryLabel, one.keyLabel})
          addLabelRange(question, label, options.lowLabel, options.highLabel);
      }
      question.require(one, false);
      if (question.solve() != Answer::None)
        return false;
    }
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Equality and implication
//===----------------------------------------------------------------------===//

bool quoin::proveImplies(const BlockMask &a, const BlockMask &b, unsigned maxCases) {
  int64_t budget = 8 * static_cast<int64_t>(maxCases);
  MaskQuestion question(maxCases, budget);
  auto fresh = [&] { return LinearForm::variable(question.addVariable()); };
  MaskInstance one{&a, fresh(), fresh(), fresh(), fresh(), fresh(), fresh(), fresh(), fresh(), {}};
  for (const LinearForm &open : {one.queryOpen, one.keyOpen})
    addBetween(question, LinearForm(0), open, LinearForm(1));
  for (const LinearForm &place : {one.queryPosition, one.keyPosition, one.querySlot, one.keySlot})
    question.requireLe(LinearForm(0), place);
  MaskInstance other = one;
  other.mask = &b;
  llvm::StringMap<LinearForm> symbols;
  for (MaskInstance *instance : {&one, &other})
    for (const std::string &name : instance->mask->symbols())
      instance->symbols.push_back(symbols.try_emplace(name, LinearForm()).second ? symbols[name] = fresh()
                                                                                 : symbols[name]);
  question.require(one, true);
  question.require(other, false);
  return question.solve() == Answer::None;
}

bool quoin::proveSameMask(const BlockMask &a, const BlockMask &b, unsigned maxCases) {
  return proveImplies(a, b, maxCases) && proveImplies(b, a, maxCases);
}
