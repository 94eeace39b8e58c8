//===- MaskFacts.h - what a mask proves about a cache ----------------------===//
//
// A cache holds the keys and values of the leading slots of earlier calls. This file proves which of them a new call
// may use, from the masks' formulas alone: for all lengths, positions and symbols at once.
//
// The question. All calls on one cache form a chain. Call c has a mask m with symbols s; slots below `to` are the
// sequence's own (slot = position, unless the program gives positions), the others are the `then` rows. When the next
// call c' finds that its first v slots hold the tokens, positions and labels that the cache holds, which keys and
// values are those that c', run without a cache, would compute?
//
// Two facts answer it.
//
//   The cut f, one function for all masks of the cache. For each mask, whatever its symbols, and each d that is not
//   above its stable prefix: rows below f(d) see no slot at or above f(d), and f(d) <= d.
//
//   The stable prefix p, one per mask: how many leading rows see the same slots whoever calls. For each two masks m and
//   m' of the cache, whatever their symbols s and s': if q and k are below p(s) and p'(s'), m(q, k) holds exactly
//   if m'(q, k) does.
//
// The rule. A call finds v = the length of the common prefix of its slots with the cache, cut at its first open slot,
// at `to`, and at p'(s'). It runs rows f(v) and above, takes the others from the cache, and leaves the first
// min(p'(s'), to) slots in the cache, cut at the first open slot if a mask of the cache asks for `open`.
//
// Why it is right. Claim: after each call c, slot i of the cache holds what c computes for it without a cache. Let c'
// be the next call and w = f(v). In c' rows below w see only slots below w (the cut, as v <= p'). In c too: the cache
// holds at most p(s) slots, so w <= v <= p(s), and f is the cut of both masks. On these slots the two masks agree (w <=
// p, p'), and tokens, positions, labels and open bits are the same: both calls have no open slot there. So, layer by
// layer, rows below w compute the same in c and in c'; by the claim for c the cache is right for c'. Rows from w on run
// in c', hence the claim holds for c'. Nothing was assumed about which calls happen: calls may be left out (a commit's
// pass), or made more often.
//
// Rows below the cut are the sequence's own, so the `then` rows matter as keys only: where they stand and which labels
// they have (read off the program, see CacheUses.cpp) is what tells that the text sees none of them.
//
// A mask whose rows look ahead by a bounded distance (a two-sided window) has no such cut: its rows below d - W see
// nothing at or above d, but the rows between do, and they are seen in turn. It gets f = 0: everything runs again.
//
// Snapshots. A call may have `then` rows of a label L > 0, before others of higher labels: some text again as it was
// (see ApproximateCache.cpp). If, whatever the symbols, no row of a label up to L sees one of a higher label, and rows
// and keys of labels up to L agree in all masks that have such rows, then the first n slots (the sequence's and the
// snapshot's) are a call of their own: if the cache holds exactly these n slots, all of them are right and only the
// others run. A call that finds less uses the rule above. It leaves its first n slots in the cache; a call of another
// kind stops comparing at the first label that is not 0, and what it then uses is right by the claim, since a
// snapshot's call has p = all.
//
// Rows like text. If under all masks of the cache a row sees slots up to its own alone, whatever positions and labels
// are, and all masks agree, then nothing above asks whose slots they are: f(d) = d and p = all slots of a call, its
// `then` rows among them. So a call may have nothing but such rows, at positions and with labels of the program's own;
// and forks of a text that stand behind it, told apart by labels, are kept as they grow.
//
// How it is proven: propose and prove. Candidates are read off the formulas (block lengths from divisors, starts from
// constants and symbols), ordered from the one that reuses most; those that a few hundred random rows and keys
// contradict are dropped; the first is taken for which Presburger arithmetic shows that there is no counterexample.
// Blocks of lengths of their own end at constants: each is a cut by itself, and all that are make one cut, which is
// taken if it reuses more. f = 0 and p = 0 need no proof and are always sound. Formulas with too many cases get them.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_MASKFACTS_H
#define QUOIN_PASSES_MASKFACTS_H

#include "dialects/quoin/BlockMask.h"
#include <optional>
#include <string>

namespace quoin {

/// What is known of some `then` rows.
struct ThenRows {
  /// Their positions are at or above `to` plus this; nothing: they may be anywhere.
  std::optional<int64_t> above;
  /// Their labels are in this range.
  int64_t lowLabel = INT32_MIN, highLabel = INT32_MAX;

  bool operator==(const ThenRows &o) const {
    return above == o.above && lowLabel == o.lowLabel && highLabel == o.highLabel;
  }
};

/// How one or more calls use a mask.
struct MaskUse {
  BlockMask mask;
  /// For each symbol the number of a run-time value that is the same at all calls, or -1 if it may differ by call.
  std::vector<int> shared;
  /// Of each `then` row of these calls one of these holds; empty: there are none.
  std::vector<ThenRows> then;
  /// For each symbol whether it is `to` at each of these calls; empty: not known of any.
  std::vector<bool> isEnd = {};
};

struct MaskFactsOptions {
  /// Slots of the sequence may have labels other than 0; then those of this range.
  bool sequenceLabels = false;
  int64_t lowLabel = 0, highLabel = 0;
  /// Slots of the sequence may have any positions, which stay theirs; else slot and position are the same.
  bool sequencePositions = false;
  /// Shared values that may stand in the cut, below this number.
  int sharedInCut = 0;
  /// Most cases of one question, and of all together (those with divisions count more); beyond, the sound answer is
  /// given.
  unsigned maxCases = 1024;
  int64_t budget = 8192;
};

/// f: a multiple of a block length, counted from a start, or one of some numbers, or 0.
struct RowCut {
  enum class Kind : uint8_t {
    Nothing, // 0
    Aligned, // d rounded down to a multiple of `block`
    Guarded, // start + (d - start rounded down), but 0 where d is below the start
    Clipped, // min(d, start) rounded down
    Steps,   // the last of `starts` that is not above d, or 0 below them
  };
  Kind kind = Kind::Nothing;
  int64_t block = 1;
  /// The start: shared value `shared` (-1: none) plus `offset`.
  int shared = -1;
  int64_t offset = 0;
  /// Of `Steps`: positive numbers, in ascending order.
  std::vector<int64_t> starts = {};

  static RowCut steps(std::vector<int64_t> starts) {
    RowCut cut;
    cut.kind = Kind::Steps;
    cut.starts = std::move(starts);
    return cut;
  }
  /// The cut of a d that is not negative. Never above d.
  int64_t evaluate(int64_t d, llvm::ArrayRef<int64_t> sharedValues) const;
  bool operator==(const RowCut &o) const {
    return kind == o.kind && block == o.block && shared == o.shared && offset == o.offset && starts == o.starts;
  }
  bool isIdentity() const { return kind == Kind::Aligned && block == 1; }
  std::string print() const;
};

/// p of one mask.
struct StablePrefix {
  enum class Kind : uint8_t { Nothing, All, Symbol };
  Kind kind = Kind::Nothing;
  /// With `Symbol`: that symbol of the mask plus `offset`.
  unsigned symbol = 0;
  int64_t offset = 0;

  bool operator==(const StablePrefix &o) const { return kind == o.kind && symbol == o.symbol && offset == o.offset; }
  /// May be negative, which counts as 0.
  int64_t evaluate(llvm::ArrayRef<int64_t> symbols) const;
  std::string print(const BlockMask &mask) const;
};

struct MaskFacts {
  RowCut cut;
  /// One per use, in order.
  std::vector<StablePrefix> prefixes;
  /// A mask asks for `open`: kept slots are cut at the first open one.
  bool cutAtOpen = false;
  /// A question had too many cases.
  bool gaveUp = false;
  /// One per use: something would be kept if the text saw no `then` rows.
  std::vector<bool> thenIsSeen;
  /// Nothing is kept of this use's calls.
  bool isRefused(size_t use) const {
    return cut.kind == RowCut::Kind::Nothing || prefixes[use].kind == StablePrefix::Kind::Nothing;
  }
};

/// The facts of the calls on one cache.
MaskFacts proveMaskFacts(llvm::ArrayRef<MaskUse> uses, const MaskFactsOptions &options = {});

/// A pair of tokens that shows why nothing is kept of a use, in words: a row of the text that sees a `then` row, or a
/// key behind it, or a key at one call and not at another. The smallest that draws meet; empty if they meet none.
std::string findWitness(llvm::ArrayRef<MaskUse> uses, const MaskFactsOptions &options, const MaskFacts &facts,
                        size_t use);

/// Do the facts hold from run to run, in which values that all calls of a run share may differ? Then a slot's keys and
/// values may come from another run.
bool holdAcrossRuns(const MaskFacts &facts, llvm::ArrayRef<MaskUse> uses, const MaskFactsOptions &options);

/// Are rows of labels up to `label` a call of their own in all these masks, the same in each?
bool proveSnapshot(llvm::ArrayRef<MaskUse> uses, int64_t label, unsigned maxCases = 1024);

/// Does every row of these calls see all slots before it that the facts let a call keep? Then what was summed up behind
/// a kept slot is what all rows after it that see no later one go on from.
bool proveSeesKept(llvm::ArrayRef<MaskUse> uses, const MaskFactsOptions &options, const MaskFacts &facts);

/// Does every row see slots up to its own alone, the same at each call, whatever positions and labels are? Then all
/// slots of a call are kept like those of the sequence, `then` rows too.
bool proveCausalBySlot(llvm::ArrayRef<MaskUse> uses, unsigned maxCases = 1024);

/// Do two masks allow the same pairs, whatever tokens and symbols are? Symbols of the same name are the same number.
/// False also if it was not proven.
bool proveSameMask(const BlockMask &a, const BlockMask &b, unsigned maxCases = 1024);
/// Does each pair that `a` allows satisfy `b`?
bool proveImplies(const BlockMask &a, const BlockMask &b, unsigned maxCases = 1024);

} // namespace quoin

#endif
