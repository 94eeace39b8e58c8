//===- MaskFacts.cpp - proposals and proofs of cuts and prefixes -----------===//

#include "passes/MaskFacts.h"
#include "passes/MaskBounds.h"
#include "passes/MaskDraws.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include <algorithm>
#include <numeric>
#include <set>

using namespace quoin;
using Op = BlockMask::Op;
using Answer = MaskQuestion::Answer;

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

namespace {
/// The variables of a question about one or two calls.
class Prover : MaskDraws {
public:
  Prover(llvm::ArrayRef<MaskUse> uses, const MaskFactsOptions &options)
      : MaskDraws(uses, options), budget(options.budget) {}

  /// The prefix of each use, as long as can be shown.
  std::vector<StablePrefix> provePrefixes();
  /// The cut that reuses most of those that hold for these uses.
  RowCut proveCut(llvm::ArrayRef<MaskUse> of, llvm::ArrayRef<StablePrefix> prefixes);
  bool gaveUp = false;

private:
  bool agree(const MaskUse &a, const StablePrefix &p, const MaskUse &b, const StablePrefix &r);
  bool isCut(const RowCut &cut, const MaskUse &use, const StablePrefix &prefix);
  bool disagreeSomewhere(const MaskUse &a, const StablePrefix &p, const MaskUse &b, const StablePrefix &r);
  bool isCrossedSomewhere(const RowCut &cut, const MaskUse &use, const StablePrefix &prefix);
  std::vector<StablePrefix> prefixCandidates(const MaskUse &use) const;
  std::vector<RowCut> cutCandidates() const;
  std::vector<StablePrefix> rankPrefixes(const MaskUse &use);
  int64_t reused(const RowCut &cut, const MaskUse *use, const StablePrefix &prefix) const;

  /// Variables of the symbols of a use: one per shared value, fresh ones for the others.
  llvm::SmallVector<LinearForm, 4> symbolsOf(MaskQuestion &question, const MaskUse &use) {
    llvm::SmallVector<LinearForm, 4> r;
    for (size_t i = 0; i < use.mask.symbols().size(); ++i) {
      int id = i < use.shared.size() ? use.shared[i] : -1;
      r.push_back(id < 0 ? LinearForm::variable(question.addVariable()) : sharedValue(question, id));
    }
    return r;
  }
  LinearForm sharedValue(MaskQuestion &question, int id) {
    auto [it, isNew] = sharedVariables.try_emplace(id, 0u);
    if (isNew)
      it->second = question.addVariable();
    return LinearForm::variable(it->second);
  }
  bool isNone(const MaskQuestion &question) {
    Answer answer = question.solve();
    gaveUp |= answer == Answer::TooManyCases;
    return answer == Answer::None;
  }

  int64_t budget;
  llvm::DenseMap<int, unsigned> sharedVariables;
  std::vector<RowCut> candidates;
};
} // namespace

/// Do two calls agree on the rows and keys below both prefixes? Their slots there are the same: no open ones, same
/// positions and labels.
bool Prover::agree(const MaskUse &a, const StablePrefix &p, const MaskUse &b, const StablePrefix &r) {
  using Kind = StablePrefix::Kind;
  if (p.kind == Kind::Nothing || r.kind == Kind::Nothing)
    return true;
  // One formula of the same numbers.
  auto isSame = [](int id) { return id >= 0; };
  if (a.mask == b.mask && a.shared == b.shared && a.shared.size() == a.mask.symbols().size() &&
      llvm::all_of(a.shared, isSame))
    return true;
  if (disagreeSomewhere(a, p, b, r))
    return false;
  for (bool first : {true, false}) {
    MaskQuestion question(options.maxCases, budget);
    sharedVariables.clear();
    LinearForm q = LinearForm::variable(question.addVariable()), k = LinearForm::variable(question.addVariable());
    MaskInstance one{&a.mask, q, k, q, k, LinearForm(), LinearForm(), LinearForm(), LinearForm(), {}};
    for (LinearForm *position : {&one.queryPosition, &one.keyPosition})
      placeAnywhere(question, options, *position);
    if (options.sequenceLabels)
      for (LinearForm *label : {&one.queryLabel, &one.keyLabel}) {
        *label = LinearForm::variable(question.addVariable());
        addLabelRange(question, *label, options.lowLabel, options.highLabel);
      }
    MaskInstance other = one;
    other.mask = &b.mask;
    one.symbols = symbolsOf(question, a);
    other.symbols = symbolsOf(question, b);
    for (const LinearForm &slot : {q, k}) {
      question.requireLe(LinearForm(0), slot);
      addBelowPrefix(question, slot, p, one.symbols, 1);
      addBelowPrefix(question, slot, r, other.symbols, 1);
    }
    question.require(one, first);
    question.require(other, !first);
    if (!isNone(question))
      return false;
  }
  return true;
}

/// Do rows below the cut of d see nothing at or above it, for all d up to the prefix?
bool Prover::isCut(const RowCut &cut, const MaskUse &use, const StablePrefix &prefix) {
  using Kind = RowCut::Kind;
  if (cut.kind == Kind::Nothing || prefix.kind == StablePrefix::Kind::Nothing)
    return true;
  if (cut.starts.size() > 1)
    return llvm::all_of(cut.starts, [&](int64_t start) { return isCut(RowCut::steps({start}), use, prefix); });
  if (isCrossedSomewhere(cut, use, prefix))
    return false;
  bool asksOpen = use.mask.usesOpen();
  // A key at or above the cut is a slot of the sequence, or a `then` row. A clipped cut has two cases.
  llvm::SmallVector<const ThenRows *> keys = {nullptr};
  for (const ThenRows &rows : use.then)
    keys.push_back(&rows);
  for (const ThenRows *then : keys)
    for (bool clipped : {false, true}) {
      if (clipped && cut.kind != Kind::Clipped)
        continue;
      MaskQuestion question(options.maxCases, budget);
      sharedVariables.clear();
      auto fresh = [&] { return LinearForm::variable(question.addVariable()); };
      LinearForm d = fresh(), q = fresh(), slot = fresh(), to = fresh(), zero;
      MaskInstance instance{&use.mask, q, slot, q, slot, zero, zero, zero, zero, symbolsOf(question, use)};
      // The call.
      addBetween(question, zero, d, to);
      addBelowPrefix(question, d, prefix, instance.symbols, 0);
      // The cut w.
      LinearForm start = cut.shared < 0 ? LinearForm() : sharedValue(question, cut.shared), base = d, w;
      start.constant += cut.offset;
      if (cut.kind == Kind::Steps)
        start = base = LinearForm(cut.starts.front());
      if (cut.kind == Kind::Guarded || cut.kind == Kind::Steps)
        question.requireLe(start, d);
      if (cut.kind == Kind::Clipped && clipped) {
        question.requireLe(start, d);
        base = start;
      } else if (cut.kind == Kind::Clipped) {
        question.requireLe(d, start);
      }
      if (cut.block == 1) {
        w = base;
      } else if (cut.kind == Kind::Guarded) {
        // start + block * ((d - start) floordiv block)
        LinearForm distance = d;
        for (auto [v, c] : start.terms)
          distance.terms.push_back({v, -c});
        distance.constant -= start.constant;
        w = start;
        w.terms.push_back({question.addQuotient(distance, cut.block), cut.block});
      } else {
        w.terms.push_back({question.addQuotient(base, cut.block), cut.block});
      }
      placeAnywhere(question, options, instance.queryPosition);
      if (!then)
        placeAnywhere(question, options, instance.keyPosition);
      // Row q below it sees `slot` at or above it.
      question.requireLe(zero, q);
      question.requireLe(q, w, 1);
      question.requireLe(w, slot);
      if (then) {
        question.requireLe(to, slot);
        instance.keyPosition = fresh();
        question.requireLe(zero, instance.keyPosition);
        if (then->above)
          question.requireLe(to, instance.keyPosition, *then->above);
      } else {
        question.requireLe(slot, to, 1);
      }
      if (asksOpen && !then) {
        // The cut is at or below the first open slot, so the query is not open; the key may be, unless it is a `then`
        // row.
        instance.keyOpen = fresh();
        addBetween(question, zero, instance.keyOpen, LinearForm(1));
      }
      if (options.sequenceLabels) {
        instance.queryLabel = fresh();
        addLabelRange(question, instance.queryLabel, options.lowLabel, options.highLabel);
      }
      if (then && then->lowLabel == then->highLabel) {
        instance.keyLabel = LinearForm(then->lowLabel);
      } else if (options.sequenceLabels || then) {
        instance.keyLabel = fresh();
        addLabelRange(question, instance.keyLabel, then ? then->lowLabel : options.lowLabel,
                      then ? then->highLabel : options.highLabel);
      }
      question.require(instance, true);
      if (!isNone(question))
        return false;
    }
  return true;
}

//===----------------------------------------------------------------------===//
// Counterexamples by luck: most wrong candidates are refuted without arithmetic
//===----------------------------------------------------------------------===//

constexpr int attempts = 400;

bool Prover::disagreeSomewhere(const MaskUse &a, const StablePrefix &p, const MaskUse &b, const StablePrefix &r) {
  int64_t range = drawRange();
  for (int i = 0; i < attempts; ++i) {
    llvm::SmallVector<int64_t> shared = drawShared(range), x = drawSymbols(a, shared, range),
                               y = drawSymbols(b, shared, range);
    int64_t limit = std::min({p.evaluate(x), r.evaluate(y), range});
    if (limit <= 0)
      continue;
    MaskToken q, k;
    q.slot = draw(0, limit - 1);
    k.slot = draw(0, limit - 1);
    q.position = drawPosition(q.slot, range);
    k.position = drawPosition(k.slot, range);
    if (options.sequenceLabels) {
      q.label = drawLabel(options.lowLabel, options.highLabel);
      k.label = drawLabel(options.lowLabel, options.highLabel);
    }
    if (a.mask.see(q, k, x) != b.mask.see(q, k, y))
      return true;
  }
  return false;
}

bool Prover::isCrossedSomewhere(const RowCut &cut, const MaskUse &use, const StablePrefix &prefix) {
  int64_t range = drawRange();
  bool asksOpen = use.mask.usesOpen();
  for (int i = 0; i < attempts; ++i) {
    llvm::SmallVector<int64_t> shared = drawShared(range), symbols = drawSymbols(use, shared, range);
    int64_t d = std::min(draw(0, range), prefix.evaluate(symbols));
    int64_t w = d < 0 ? 0 : cut.evaluate(d, shared);
    if (w <= 0)
      continue;
    MaskToken q, k;
    // Often near the cut.
    q.slot = w - 1 - draw(0, i % 2 ? std::min<int64_t>(w - 1, 2) : w - 1);
    k.slot = w + draw(0, i % 3 ? 2 : range);
    q.position = drawPosition(q.slot, range);
    k.position = drawPosition(k.slot, range);
    const ThenRows *then = use.then.empty() || i % 4 ? nullptr : &use.then[draw(0, use.then.size() - 1)];
    if (then) {
      k.slot = std::max(k.slot, d);
      k.position = std::max<int64_t>(0, then->above ? draw(d, k.slot) + draw(0, range) + *then->above : draw(0, range));
    }
    if (asksOpen && !then)
      k.open = draw(0, 1);
    if (options.sequenceLabels)
      q.label = drawLabel(options.lowLabel, options.highLabel);
    if (then)
      k.label = drawLabel(then->lowLabel, then->highLabel);
    else if (options.sequenceLabels)
      k.label = drawLabel(options.lowLabel, options.highLabel);
    if (use.mask.see(q, k, symbols))
      return true;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

/// Everything, or a symbol that differs by call plus a small number; those that reach furthest first.
std::vector<StablePrefix> Prover::prefixCandidates(const MaskUse &use) const {
  using Kind = StablePrefix::Kind;
  std::vector<StablePrefix> r = {{Kind::All}};
  std::set<int64_t, std::greater<>> offsets = {0, 1, -1};
  for (int64_t c : constants)
    for (int64_t o : {c, -c, c - 1, 1 - c})
      offsets.insert(o);
  if (offsets.size() > 24)
    offsets = {1, 0, -1};
  for (int64_t o : offsets)
    for (unsigned s = 0; s < use.mask.symbols().size(); ++s)
      r.push_back({Kind::Symbol, s, o});
  return r;
}

/// How many rows a cut saves for calls of this mask, over some distances and symbols. It decides what is tried first.
int64_t Prover::reused(const RowCut &cut, const MaskUse *use, const StablePrefix &prefix) const {
  int64_t total = 0;
  for (int64_t value : {0, 37, 101, 400}) {
    auto sharedValue = [&](int id) { return value + 5 * id; };
    llvm::SmallVector<int64_t> values, symbols;
    for (int id = 0; id < options.sharedInCut; ++id)
      values.push_back(sharedValue(id));
    if (use)
      for (int id : use->shared)
        symbols.push_back(id < 0 ? value : sharedValue(id));
    for (int64_t d : {1, 3, 10, 37, 38, 63, 101, 102, 200, 1001})
      total += cut.evaluate(std::clamp<int64_t>(prefix.evaluate(symbols), 0, d), values);
  }
  return total;
}

/// The candidates with which a mask agrees with itself, best first; among equals the shortest, with which it is easiest
/// for other masks to agree.
std::vector<StablePrefix> Prover::rankPrefixes(const MaskUse &use) {
  std::vector<StablePrefix> all = prefixCandidates(use), r;
  std::vector<std::pair<int64_t, size_t>> ranked;
  for (auto [i, candidate] : llvm::enumerate(all))
    if (agree(use, candidate, use, candidate))
      if (int64_t total = reused(proveCut(use, candidate), &use, candidate))
        ranked.push_back({total, i});
  llvm::sort(ranked, std::greater<>());
  for (auto [total, i] : ranked)
    r.push_back(all[i]);
  return r;
}

std::vector<StablePrefix> Prover::provePrefixes() {
  // Masks with fewer symbols are the ones that others should agree with.
  std::vector<unsigned> order(uses.size());
  std::iota(order.begin(), order.end(), 0u);
  auto symbols = [&](unsigned u) { return uses[u].mask.symbols().size(); };
  llvm::sort(order, [&](unsigned a, unsigned b) { return std::pair(symbols(a), a) < std::pair(symbols(b), b); });
  std::vector<StablePrefix> prefixes(uses.size());
  for (auto [i, u] : llvm::enumerate(order))
    for (const StablePrefix &candidate : rankPrefixes(uses[u])) {
      bool agrees = true;
      for (unsigned j = 0; agrees && j < i; ++j)
        agrees = agree(uses[u], candidate, uses[order[j]], prefixes[order[j]]);
      if (!agrees)
        continue;
      prefixes[u] = candidate;
      break;
    }
  return prefixes;
}

/// Cuts that the formulas suggest, those that reuse most (by sampling) first.
std::vector<RowCut> Prover::cutCandidates() const {
  using Kind = RowCut::Kind;
  std::set<int64_t> blocks = {1};
  blocks.insert(divisors.begin(), divisors.end());
  int64_t all = 1;
  for (int64_t b : divisors)
    all = std::min<int64_t>(std::lcm(all, b), 1 << 20);
  blocks.insert(all);
  if (blocks.size() > 8)
    blocks = {1, all};
  std::vector<std::pair<int, int64_t>> starts;
  std::set<int64_t> offsets = {-1, 0, 1};
  if (constants.size() <= 8)
    for (int64_t c : constants)
      offsets.insert({c, -c, c + 1, c - 1});
  for (int64_t o : offsets) {
    if (o > 0)
      starts.push_back({-1, o});
    for (int s = 0; s < options.sharedInCut; ++s)
      starts.push_back({s, o});
  }
  std::vector<RowCut> r;
  for (int64_t b : blocks) {
    r.push_back({Kind::Aligned, b});
    for (auto [s, o] : starts) {
      r.push_back({Kind::Guarded, b, s, o});
      r.push_back({Kind::Clipped, b, s, o});
    }
  }
  std::vector<std::pair<int64_t, unsigned>> order;
  for (auto [i, cut] : llvm::enumerate(r))
    order.push_back({-reused(cut, nullptr, {StablePrefix::Kind::All}), static_cast<unsigned>(i)});
  llvm::sort(order);
  std::vector<RowCut> sorted;
  for (auto [total, i] : order)
    sorted.push_back(r[i]);
  return sorted;
}

RowCut Prover::proveCut(llvm::ArrayRef<MaskUse> of, llvm::ArrayRef<StablePrefix> prefixes) {
  if (candidates.empty())
    candidates = cutCandidates();
  auto holds = [&](const RowCut &cut) {
    return llvm::all_of(llvm::zip(of, prefixes),
                        [&](auto pair) { return isCut(cut, std::get<0>(pair), std::get<1>(pair)); });
  };
  auto best = llvm::find_if(candidates, holds);
  RowCut cut = best == candidates.end() ? RowCut() : *best;
  if (cut.isIdentity())
    return cut;
  // Numbers that a comparison names, or those behind them, may be where blocks of any lengths end.
  constexpr size_t mostStarts = 64;
  std::set<int64_t> ends;
  for (int64_t c : constants)
    for (int64_t start : {c, c + 1})
      if (start > 0)
        ends.insert(start);
  if (ends.size() > mostStarts)
    return cut;
  std::vector<int64_t> starts;
  llvm::copy_if(ends, std::back_inserter(starts), [&](int64_t start) { return holds(RowCut::steps({start})); });
  RowCut steps = RowCut::steps(std::move(starts));
  StablePrefix all{StablePrefix::Kind::All};
  return reused(steps, nullptr, all) > reused(cut, nullptr, all) ? steps : cut;
}

MaskFacts quoin::proveMaskFacts(llvm::ArrayRef<MaskUse> uses, const MaskFactsOptions &options) {
  Prover prover(uses, options);
  MaskFacts facts;
  facts.prefixes = prover.provePrefixes();
  if (llvm::any_of(facts.prefixes, [](const StablePrefix &p) { return p.kind != StablePrefix::Kind::Nothing; }))
    facts.cut = prover.proveCut(uses, facts.prefixes);
  facts.cutAtOpen = llvm::any_of(uses, [](const MaskUse &u) { return u.mask.usesOpen(); });
  facts.gaveUp = prover.gaveUp;
  auto hasThen = [](const MaskUse &use) { return !use.then.empty(); };
  facts.thenIsSeen.resize(uses.size());
  bool refused = llvm::any_of(llvm::seq(uses.size()), [&](size_t use) { return facts.isRefused(use); });
  if (refused && !facts.gaveUp && llvm::any_of(uses, hasThen)) {
    std::vector<MaskUse> alone(uses.begin(), uses.end());
    for (MaskUse &use : alone)
      use.then.clear();
    MaskFacts without = proveMaskFacts(alone, options);
    for (size_t use = 0; use < uses.size(); ++use)
      facts.thenIsSeen[use] = !without.isRefused(use);
  }
  return facts;
}

bool quoin::holdAcrossRuns(const MaskFacts &facts, llvm::ArrayRef<MaskUse> uses, const MaskFactsOptions &options) {
  if (facts.cut.kind == RowCut::Kind::Nothing)
    return false;
  std::vector<MaskUse> others(uses.begin(), uses.end());
  bool none = true;
  for (MaskUse &use : others)
    for (int &id : use.shared)
      none &= std::exchange(id, -1) < 0;
  if (none)
    return true;
  MaskFactsOptions alone = options;
  alone.sharedInCut = 0;
  MaskFacts again = proveMaskFacts(others, alone);
  return again.cut == facts.cut && again.prefixes == facts.prefixes;
}
