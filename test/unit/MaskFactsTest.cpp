//===- MaskFactsTest.cpp - facts of published masks, and the rule they serve ===//
//
// The second half runs the cache rule on a model whose rows are hashes of what they see, with random formulas, symbols
// and sequences: whatever the prover answered, a cached call must compute what a stateless one does.
//
//===----------------------------------------------------------------------===//

#include "passes/MaskFacts.h"
#include "passes/BlindRow.h"
#include "passes/MaskOrder.h"
#include "test/unit/MaskFixture.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <gtest/gtest.h>
#include <random>

using namespace quoin;
using test::parse;

static MaskUse use(llvm::StringRef text, std::vector<int> shared = {}, std::vector<ThenRows> then = {}) {
  MaskUse u{parse(text), std::move(shared), std::move(then)};
  u.shared.resize(u.mask.symbols().size(), -1);
  return u;
}

/// `then` rows at or above the text's end, or anywhere, of any label.
static const ThenRows above = {0}, anywhere = {};

static void expectFacts(std::vector<MaskUse> uses, const char *cut, std::vector<const char *> prefixes,
                        MaskFactsOptions options = {}) {
  MaskFacts facts = proveMaskFacts(uses, options);
  EXPECT_EQ(facts.cut.print(), cut);
  ASSERT_EQ(facts.prefixes.size(), prefixes.size());
  for (size_t i = 0; i < prefixes.size(); ++i)
    EXPECT_EQ(facts.prefixes[i].print(uses[i].mask), prefixes[i]);
}

static MaskFactsOptions ofShared(int count) {
  MaskFactsOptions options;
  options.sharedInCut = count;
  return options;
}

//===----------------------------------------------------------------------===//
// Published masks
//===----------------------------------------------------------------------===//

static const char *const block8 = "(q, k) : k floordiv 8 le q floordiv 8";
static const char *const causal = "(q, k) : k le q";
static const char *const full = "(q, k) : k ge 0";
static const char *const window = "(q, k)[a] : k le q or (q ge a and k ge a)";
static const char *const verify = "(q, k)[a] : (slot(q) lt a and k floordiv 8 le q floordiv 8) or (slot(q) ge a and "
                                  "slot(q) lt a + 8 and slot(k) le slot(q)) or (slot(q) ge a + 8 and (slot(k) lt "
                                  "slot(q) - 8 or slot(k) eq slot(q)))";
static const char *const branches =
    "(q, k)[n] : (label(k) eq 0 and k le q) or (label(k) eq label(q) and (k le q or (q - label(q) ge n - 1 and k - "
    "label(k) ge n - 1)))";
static const char *const observedFirst = "(q, k) : open(k) lt open(q) or (open(k) eq open(q) and k le q)";
static const char *const d2f =
    "(q, k)[P] : (q lt P and k lt P) or (q ge P and (k - P) floordiv 32 le (q - P) floordiv 32)";

TEST(MaskFacts, BlockCausalRoundsDownToBlocks) { expectFacts({use(block8)}, "d floordiv 8 * 8", {"all"}); }
TEST(MaskFacts, CausalCutsAtTheChange) { expectFacts({use(causal)}, "d", {"all"}); }
TEST(MaskFacts, FullRunsEverything) { expectFacts({use(full)}, "0", {"0"}); }
TEST(MaskFacts, WindowIsStableUpToItsStart) { expectFacts({use(window, {}, {above})}, "d", {"a"}); }
TEST(MaskFacts, VerifyIsStableUpToTheBlock) {
  expectFacts({use(block8), use(verify, {}, {above})}, "d floordiv 8 * 8", {"all", "a"});
}
TEST(MaskFacts, BranchesAreStableUpToTheLastToken) {
  expectFacts({use(window, {0}, {above}), use(branches, {}, {above})}, "d", {"a", "n - 1"}, ofShared(1));
}
TEST(MaskFacts, ObservedFirstIsCausalBelowTheFirstOpenSlot) {
  expectFacts({use(causal), use(observedFirst)}, "d", {"all", "all"});
  EXPECT_TRUE(proveMaskFacts({use(observedFirst)}).cutAtOpen);
}
TEST(MaskFacts, PromptThenBlocksNeedsOnePrompt) {
  expectFacts({use(d2f, {0})}, "d ge s0 ? s0 + (d - (s0)) floordiv 32 * 32 : 0", {"all"}, ofShared(1));
  // Prompts that differ by call cannot share.
  expectFacts({use(d2f)}, "0", {"0"});
}
TEST(MaskFacts, ContextCausalCommitsCausally) {
  expectFacts({use(causal), use("(q, k)[lo] : k le q or (q ge lo and k ge lo)")}, "d", {"all", "lo"});
}
TEST(MaskFacts, SubBlocksUseTheLargerBlock) {
  expectFacts({use("(q, k) : k floordiv 8 le q floordiv 8 and (k floordiv 4 le q floordiv 4 or q mod 8 lt 4)")},
              "d floordiv 8 * 8", {"all"});
}
TEST(MaskFacts, BlocksOfAnyLengthsEndAtConstants) {
  const char *scales = "(q, k) : k lt 1 or (q ge 1 and k lt 5) or (q ge 5 and k lt 14) or q ge 14";
  expectFacts({use(scales)}, "the last of 1, 5, 14 up to d", {"all"});
  // The same as what is hidden, and by what comes before.
  expectFacts({use("(q, k) : (q ge 1 or k lt 1) and (q ge 5 or k lt 5) and (q gt 13 or k le 13)")},
              "the last of 1, 5, 14 up to d", {"all"});
  // A row of the second block that sees the third ends that cut alone.
  expectFacts({use("(q, k) : k lt 1 or (q ge 1 and k lt 6) or (q ge 5 and k lt 14) or q ge 14")},
              "the last of 1, 14 up to d", {"all"});
  // A text of a known length in front, of which nothing changes but all at once.
  expectFacts({use("(q, k) : k lt 7 or q ge 7")}, "the last of 7 up to d", {"all"});
  // As many scales as anyone has.
  std::string text = "(q, k) : k lt 1";
  int end = 1;
  for (int n = 2; n < 17; end += n * n, ++n)
    text += " or (q ge " + std::to_string(end) + " and k lt " + std::to_string(end + n * n) + ")";
  MaskFacts many = proveMaskFacts({use(text + " or q ge " + std::to_string(end))});
  EXPECT_EQ(many.cut.starts.size(), 16u);
  EXPECT_FALSE(many.gaveUp);
}
TEST(MaskFacts, TwoSidedWindowIsRefused) {
  // A row sees ahead by three, and is seen from behind: a change reaches every row in as many layers.
  expectFacts({use("(q, k) : k - q lt 4 and q - k lt 4")}, "0", {"0"});
}
TEST(MaskFacts, SlidingWindowCutsAtTheChange) { expectFacts({use("(q, k) : k le q and q - k lt 4")}, "d", {"all"}); }
TEST(MaskFacts, MasksThatDisagreeShareNothing) {
  expectFacts({use(causal), use("(q, k) : k le q and q - k lt 4")}, "d", {"all", "0"});
}
TEST(MaskFacts, ThenRowsAtUnknownPositionsSpoilACausalMask) {
  expectFacts({use(causal, {}, {above})}, "d", {"all"});
  expectFacts({use(causal, {}, {anywhere})}, "0", {"0"});
  expectFacts({use("(q, k) : slot(k) le slot(q)", {}, {anywhere})}, "d", {"all"});
  // One position of the text is seen by its last row.
  expectFacts({use(causal, {}, {{-1}})}, "0", {"0"});
  expectFacts({use("(q, k) : k lt q or slot(k) eq slot(q)", {}, {{-1}})}, "d", {"all"});
}
TEST(MaskFacts, LabelsOfTheSequenceAreFreeIfItHasSome) {
  const char *segments = "(q, k) : label(k) le label(q)";
  expectFacts({use(segments)}, "0", {"0"});
  MaskFactsOptions labels;
  labels.sequenceLabels = true;
  labels.highLabel = INT32_MAX;
  expectFacts({use("(q, k) : k le q and label(k) eq label(q)")}, "d", {"all"}, labels);
}
TEST(MaskFacts, PositionsOfTheSequenceAreFreeIfTheProgramGivesThem) {
  MaskFactsOptions placed;
  placed.sequencePositions = true;
  expectFacts({use(causal)}, "0", {"0"}, placed);
  expectFacts({use("(q, k) : slot(k) le slot(q)")}, "d", {"all"}, placed);
  expectFacts({use("(q, k) : slot(k) le slot(q) and k le q")}, "d", {"all"}, placed);
  expectFacts({use("(q, k) : slot(k) floordiv 4 le slot(q) floordiv 4 and (k lt 9 or q ge 9)")}, "d floordiv 4 * 4",
              {"all"}, placed);
  std::vector<MaskUse> both = {use("(q, k) : slot(k) le slot(q) and k le q")};
  EXPECT_FALSE(proveSeesKept(both, placed, proveMaskFacts(both, placed)));
  EXPECT_EQ(findWitness({use(causal)}, placed, proveMaskFacts({use(causal)}, placed), 0),
            "position 0 sees slot 1 at position 0 behind it");
}
// A tree behind the text, and paths that see their ancestors: hundreds of cases, nearly all empty at the first look.
TEST(MaskFacts, TreesAreProvenInBothSpellings) {
  const std::string tree =
      "(k lt n and k le q) or (k eq n and q ge n) or (k gt n and k eq q and label(k) eq label(q)) or "
      "(k eq n + 1 and q eq n + 2 and label(k) eq label(q) floordiv 2)";
  for (bool slots : {false, true}) {
    std::string text = "(q, k)[n] : " + (slots ? "slot(k) le slot(q) and (" + tree + ")" : tree);
    std::vector<MaskUse> uses = {use(causal, {}, {above}), use(text, {}, {{0, 0, 3}})};
    // Two rows further than the text: root and node see what a text's rows would.
    expectFacts(uses, "d", {"all", "n + 2"});
    EXPECT_FALSE(proveMaskFacts(uses).gaveUp);
    // Nodes that stand before the text's end are seen, but for the slots.
    EXPECT_EQ(proveMaskFacts({use(text, {}, {{-1, 0, 3}})}).cut.print(), slots ? "d" : "0");
  }
}
TEST(MaskFacts, RowsAreKeptLikeTextIfCausalBySlot) {
  // Forks of a text, told apart by labels.
  const char *forks = "(q, k) : slot(k) le slot(q) and (label(k) eq 0 or label(k) eq label(q))";
  EXPECT_TRUE(proveCausalBySlot({use(forks)}));
  EXPECT_FALSE(proveCausalBySlot({use(forks), use(causal)}));
  const char *sets = "(q, k)[L] : slot(k) le slot(q) and (label(k) eq label(q) or label(k) eq 0 or label(q) eq L)";
  EXPECT_TRUE(proveCausalBySlot({use(sets, {0})}));
  // Another L at another call: rows see other keys.
  EXPECT_FALSE(proveCausalBySlot({use(sets)}));
  EXPECT_FALSE(proveCausalBySlot({use("(q, k)[L] : label(k) eq label(q) or label(k) eq 0 or label(q) eq L", {0})}));
  EXPECT_FALSE(proveCausalBySlot({use(causal)}));
  EXPECT_FALSE(proveCausalBySlot({use("(q, k) : slot(k) le slot(q) and open(k) eq 0")}));
  EXPECT_TRUE(proveCausalBySlot({use("(q, k) : slot(k) le slot(q)"), use("(q, k) : not slot(k) gt slot(q)")}));
  EXPECT_FALSE(proveCausalBySlot({use("(q, k) : slot(k) le slot(q)"), use("(q, k) : slot(k) le slot(q) and k le q")}));
}
TEST(MaskFacts, RowsThatSeeAllThatIsKept) {
  auto sees = [](const char *text, bool end = false, std::vector<ThenRows> then = {}, MaskFactsOptions options = {}) {
    std::vector<MaskUse> uses = {use(text, {}, std::move(then))};
    if (end)
      uses[0].isEnd.assign(uses[0].mask.symbols().size(), true);
    MaskFacts facts = proveMaskFacts(uses, options);
    EXPECT_NE(facts.cut.kind, RowCut::Kind::Nothing) << text;
    return proveSeesKept(uses, options, facts);
  };
  const char *tree = "(q, k)[n] : k le q and (k lt n or (q eq k and label(q) eq label(k)) or (q - k eq 1 and label(q) "
                     "floordiv 4 eq label(k)))";
  EXPECT_TRUE(sees(causal));
  EXPECT_TRUE(sees(block8));
  EXPECT_TRUE(sees(tree, true, {above}));
  // Where n is not known to be the text's end a node may not see the text's last rows.
  EXPECT_FALSE(sees(tree, false, {above}));
  EXPECT_FALSE(sees("(q, k) : k le q and k mod 2 eq q mod 2"));
  // `then` rows at positions before the text's end see a part of it only.
  EXPECT_TRUE(sees("(q, k) : k le q", false, {above}));
  EXPECT_FALSE(sees("(q, k) : slot(k) le slot(q) and k le q", false, {anywhere}));
  // Labels that differ from row to row.
  MaskFactsOptions labels;
  labels.sequenceLabels = true;
  labels.highLabel = 3;
  EXPECT_FALSE(sees("(q, k) : k le q and label(k) le label(q)", false, {}, labels));
  EXPECT_TRUE(sees("(q, k) : k le q and label(k) le 3", false, {}, labels));
}

TEST(MaskFacts, RefusalsHaveAWitness) {
  auto witness = [](std::vector<MaskUse> uses, size_t of) { return findWitness(uses, {}, proveMaskFacts(uses), of); };
  EXPECT_EQ(witness({use(full)}, 0), "position 0 sees position 1 behind it");
  EXPECT_EQ(witness({use(causal), use("(q, k) : k le q and q - k lt 4")}, 1),
            "position 4 does not see position 0, but does under '(q, k) : k le q'");
  EXPECT_EQ(witness({use("(q, k) : k le q or label(k) eq 2", {}, {{0, 1, 2}})}, 0),
            "position 0 sees a 'then' row at position 1 of label 2, behind a text of 1");
}
// Splits that never come to a case cost their share: 2 to the 40th of them end.
TEST(MaskFacts, SplitsWithoutCasesEnd) {
  std::string text = "(q, k) : k le q";
  for (int i = 0; i < 40; ++i)
    text += " and (q mod 1021 ge " + std::to_string(i) + " or k mod 1019 ge " + std::to_string(i) + ")";
  (void)proveMaskFacts({use(text + " and (open(q) gt 1 or open(k) gt 1)")});
}
TEST(MaskFacts, TooManyCasesGivesUp) {
  std::string text = "(q, k) : k le q";
  for (int i = 1; i < 14; ++i)
    text += " and (q mod 3 ne 0 or k mod " + std::to_string(i + 1) + " ne 1)";
  MaskFactsOptions few;
  few.maxCases = 64;
  MaskUse other = use(text + " and k ge 0");
  MaskFacts facts = proveMaskFacts({use(text), other}, few);
  EXPECT_TRUE(facts.gaveUp);
  EXPECT_EQ(facts.prefixes[0].print(other.mask), "all");
  EXPECT_EQ(facts.prefixes[1].print(other.mask), "0");
}

TEST(MaskFacts, SpellingsThatMeanTheSameAreTheSame) {
  EXPECT_TRUE(proveSameMask(parse("canvas"), parse("context_causal")));
  EXPECT_TRUE(proveSameMask(parse("block_causal<1>"), parse("causal")));
  EXPECT_TRUE(proveSameMask(parse("(q, k) : not q lt k"), parse("causal")));
  EXPECT_TRUE(proveSameMask(
      parse("verify_causal<4, a>"),
      parse("(q, k)[a] : slot(q) lt a and slot(k) le slot(q) or slot(q) ge a and slot(q) lt a + 4 and "
            "slot(k) le slot(q) or slot(q) ge a + 4 and (slot(k) lt slot(q) - 4 or slot(k) eq slot(q))")));
  EXPECT_FALSE(proveSameMask(parse("two_half_training<4>"), parse("clean_first_training<4>")));
  EXPECT_FALSE(proveSameMask(parse("window<4>"), parse("window<5>")));
}

// Which slot a label array's value belongs to is not followed, so only what holds for any labels is proven.
TEST(MaskFacts, LabelArraysAreAnyNumbersTheyHold) {
  EXPECT_TRUE(proveSameMask(parse("(q, k) where a = [0, 1, 1] : a(k) le a(q)"),
                            parse("(q, k) where a = [0, 1, 1] : not a(q) lt a(k)")));
  EXPECT_TRUE(proveImplies(parse("(q, k) where a = [0, 1, 1] : k le q"),
                           parse("(q, k) where a = [0, 1, 1] : k le q or a(q) gt 1")));
  EXPECT_FALSE(proveSameMask(parse("(q, k) where a = [0, 1, 1] : a(k) le a(q)"), parse("causal")));
}

TEST(MaskFacts, EqualityAndImplication) {
  EXPECT_TRUE(proveSameMask(parse(block8), parse("(q, k) : k - k mod 8 le q")));
  EXPECT_FALSE(proveSameMask(parse(block8), parse(causal)));
  EXPECT_TRUE(proveImplies(parse(causal), parse(block8)));
  EXPECT_FALSE(proveImplies(parse(block8), parse(causal)));
  EXPECT_TRUE(proveImplies(parse("(q, k)[a] : q ge a and k lt a"), parse("(q, k)[a] : k lt q or k ge a")));
}

//===----------------------------------------------------------------------===//
// The rule, on hashes
//===----------------------------------------------------------------------===//

namespace {
using Random = std::mt19937;
int64_t upTo(Random &random, int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n + 1)); }

struct Slot : MaskToken {
  int64_t token = 0;
  bool isSame(const Slot &o) const { return token == o.token && position == o.position && label == o.label; }
};

struct Call {
  std::vector<Slot> slots;
  int64_t to = 0;
  const BlockMask *mask = nullptr;
  std::vector<int64_t> symbols;
};

constexpr int layers = 3;
/// Per layer one number per slot.
using Hidden = std::vector<std::vector<uint64_t>>;

uint64_t mix(uint64_t a, uint64_t b) {
  a = (a ^ (b + 0x9e3779b97f4a7c15ull + (a << 6) + (a >> 2))) * 0xff51afd7ed558ccdull;
  return a ^ (a >> 33);
}

/// Slots below `from` are those of `cached`.
Hidden run(const Call &call, int64_t from = 0, const Hidden *cached = nullptr) {
  size_t n = call.slots.size();
  Hidden h(layers + 1, std::vector<uint64_t>(n));
  for (int l = 0; l <= layers; ++l)
    for (size_t q = 0; q < n; ++q) {
      const Slot &row = call.slots[q];
      if (static_cast<int64_t>(q) < from) {
        h[l][q] = (*cached)[l][q];
        continue;
      }
      if (l == 0) {
        h[l][q] = mix(mix(7, row.token), mix(row.position, row.label));
        continue;
      }
      h[l][q] = mix(h[l - 1][q], 1);
      for (size_t k = 0; k < n; ++k)
        if (call.mask->see(row, call.slots[k], call.symbols))
          h[l][q] = mix(h[l][q], mix(k, h[l - 1][k]));
    }
  return h;
}

/// A formula of the kind people write.
std::string randomFormula(Random &random, int depth, bool symbols) {
  auto pick = [&](std::initializer_list<const char *> list) {
    return std::string(list.begin()[random() % list.size()]);
  };
  if (depth == 0) {
    std::string number = std::to_string(2 + random() % 3);
    std::string s = symbols ? pick({"a", "b", "a + 1", "2"}) : number;
    switch (random() % 9) {
    case 0:
      return "k floordiv " + number + " le q floordiv " + number;
    case 1:
      return "slot(k) le slot(q)";
    case 2:
      return "q " + pick({"lt", "ge"}) + " " + s;
    case 3:
      return "k " + pick({"lt", "ge", "ne"}) + " " + s;
    case 4:
      return "q - k " + pick({"lt", "le"}) + " " + number;
    case 5:
      return "label(k) " + pick({"eq", "le"}) + " label(q)";
    case 6:
      return pick({"open(k) eq 0", "open(k) le open(q)", "open(q) eq 1"});
    case 7:
      return "(k - " + s + ") floordiv 2 le (q - " + s + ") floordiv 2";
    default:
      return "k le q";
    }
  }
  std::string a = "(" + randomFormula(random, depth - 1, symbols) + ")";
  if (random() % 8 == 0)
    return "not " + a;
  return a + pick({" and ", " or "}) + "(" + randomFormula(random, depth - 1, symbols) + ")";
}

/// One cache: masks, facts, and calls on a sequence that changes.
struct World {
  World(Random &random, bool placed = false) : random(random) {
    options.sequencePositions = placed;
    options.sequenceLabels = random() % 3 == 0;
    if (options.sequenceLabels)
      options.highLabel = random() % 2 ? 2 : INT32_MAX;
    options.sharedInCut = 1;
    bool symbols = random() % 2;
    size_t count = 1 + random() % 2;
    for (size_t i = 0; i < count; ++i) {
      // Often the same formula again, so that masks of one cache have something in common.
      std::string extra = randomFormula(random, static_cast<int>(random() % 2), symbols);
      if (i == 0)
        base = randomFormula(random, static_cast<int>(random() % 3), symbols);
      std::string text = i == 0 ? base : "(" + base + ")" + (random() % 2 ? " and " : " or ") + "(" + extra + ")";
      std::vector<ThenRows> then;
      for (int64_t kinds = random() % 2 ? 1 + random() % 2 : 0; kinds > 0; --kinds) {
        ThenRows rows;
        if (random() % 2)
          rows.above = static_cast<int64_t>(random() % 2) - 1;
        if (random() % 2)
          rows.lowLabel = upTo(random, 2), rows.highLabel = rows.lowLabel + upTo(random, 1);
        then.push_back(rows);
      }
      uses.push_back(use((symbols ? "(q, k)[a, b] : " : "(q, k) : ") + text, {}, then));
      if (symbols && random() % 2)
        uses.back().shared[0] = 0;
    }
    facts = proveMaskFacts(uses, options);
  }

  bool isUseful() const {
    return facts.cut.kind != RowCut::Kind::Nothing && facts.prefixes[0].kind != StablePrefix::Kind::Nothing;
  }

  void play() {
    shared = upTo(random, 8);
    sequence.clear();
    cachedSlots.clear();
    for (int i = 0; i < 12 && !testing::Test::HasFailure(); ++i) {
      change();
      call(uses[random() % uses.size()]);
    }
  }

private:
  void change() {
    for (Slot &slot : sequence) {
      if (slot.open && random() % 2) {
        slot.open = 0;
        slot.token = 1 + upTo(random, 2);
      } else if (!slot.open && random() % 12 == 0) {
        slot.token = 1 + upTo(random, 2);
      }
    }
    for (int64_t more = upTo(random, 4); more > 0 && sequence.size() < 14; --more) {
      Slot slot;
      slot.position = slot.slot = static_cast<int64_t>(sequence.size());
      if (options.sequencePositions && random() % 2)
        slot.position = upTo(random, 14);
      slot.open = random() % 3 == 0;
      slot.token = slot.open ? 0 : 1 + upTo(random, 2);
      slot.label = options.sequenceLabels ? upTo(random, 2) : 0;
      sequence.push_back(slot);
    }
  }

  void call(const MaskUse &use) {
    size_t index = static_cast<size_t>(&use - uses.data());
    Call call;
    call.mask = &use.mask;
    for (int id : use.shared)
      call.symbols.push_back(id == 0 ? shared : upTo(random, 12) - 1);
    call.to = static_cast<int64_t>(sequence.size()) - upTo(random, std::min<int64_t>(3, sequence.size()));
    call.slots.assign(sequence.begin(), sequence.begin() + call.to);
    for (int64_t more = use.then.empty() ? 0 : upTo(random, 4); more > 0; --more) {
      const ThenRows &rows = use.then[random() % use.then.size()];
      Slot slot;
      slot.slot = static_cast<int64_t>(call.slots.size());
      slot.position = std::max<int64_t>(0, rows.above ? call.to + *rows.above + upTo(random, 5) : upTo(random, 14));
      slot.token = upTo(random, 3);
      slot.label =
          rows.lowLabel == INT32_MIN ? upTo(random, 3) : rows.lowLabel + upTo(random, rows.highLabel - rows.lowLabel);
      call.slots.push_back(slot);
    }
    int64_t n = static_cast<int64_t>(call.slots.size()), firstOpen = 0, v = 0;
    while (firstOpen < n && !call.slots[firstOpen].open)
      ++firstOpen;
    int64_t prefix = std::clamp<int64_t>(facts.prefixes[index].evaluate(call.symbols), 0, call.to);
    int64_t limit = std::min(prefix, firstOpen);
    while (v < limit && v < static_cast<int64_t>(cachedSlots.size()) && cachedSlots[v].isSame(call.slots[v]))
      ++v;
    int64_t from = facts.cut.evaluate(v, {shared});
    ASSERT_LE(from, v);
    Hidden stateless = run(call), withCache = run(call, from, &cached);
    if (stateless != withCache) {
      std::string text;
      llvm::raw_string_ostream os(text);
      for (auto [u, p] : llvm::zip(uses, facts.prefixes)) {
        u.mask.print(os);
        os << ": prefix " << p.print(u.mask) << "\n";
      }
      FAIL() << text << "cut " << facts.cut.print() << ", call of mask " << index << " from " << from << " of " << n;
    }
    int64_t keep = std::min(prefix, facts.cutAtOpen ? firstOpen : n);
    cachedSlots.assign(call.slots.begin(), call.slots.begin() + keep);
    cached = withCache;
    reused += from;
  }

  Random &random;
  std::string base;
  std::vector<MaskUse> uses;
  MaskFactsOptions options;
  MaskFacts facts;
  int64_t shared = 0;
  std::vector<Slot> sequence, cachedSlots;
  Hidden cached;

public:
  int64_t reused = 0;
};
} // namespace

TEST(MaskFacts, CachedCallsComputeWhatStatelessCallsDo) {
  int useful = 0;
  int64_t reused = 0;
  for (unsigned seed = 0; seed < 400 && !HasFailure(); ++seed) {
    Random random(seed);
    World world(random);
    useful += world.isUseful();
    if (world.isUseful())
      for (int i = 0; i < 30; ++i)
        world.play();
    reused += world.reused;
  }
  // The test must not pass because nothing was proven.
  EXPECT_GT(useful, 60);
  EXPECT_GT(reused, 10000);
}

TEST(MaskFacts, CachedCallsWhoseTokensStandWhereTheProgramSays) {
  int useful = 0;
  for (unsigned seed = 1000; seed < 1400 && !HasFailure(); ++seed) {
    Random random(seed);
    World world(random, /*placed=*/true);
    useful += world.isUseful();
    for (int i = 0; world.isUseful() && i < 30; ++i)
      world.play();
  }
  EXPECT_GT(useful, 10);
}

//===----------------------------------------------------------------------===//
// Formulas that nobody would write
//===----------------------------------------------------------------------===//

namespace {
/// Random formulas with every operator, divisors that have nothing in common, and large factors.
struct Hostile {
  std::mt19937 random;
  int64_t pick(std::initializer_list<int64_t> of) { return of.begin()[random() % of.size()]; }
  std::string term(int depth) {
    static const char *const leaves[] = {"q",       "k",        "slot(q)",  "slot(k)", "open(q)",
                                         "open(k)", "label(q)", "label(k)", "a"};
    if (depth == 0)
      return leaves[random() % std::size(leaves)];
    std::string x = term(depth - 1);
    switch (random() % 5) {
    case 0:
      return "(" + x + " + " + term(depth - 1) + ")";
    case 1:
      return "(" + x + " - " + term(depth - 1) + ")";
    case 2:
      return "(" + x + " * " + std::to_string(pick({-1009, -3, 2, 97, 65537})) + ")";
    case 3:
      return "(" + x + " floordiv " + std::to_string(pick({2, 3, 7, 64, 101, 1021})) + ")";
    default:
      return "(" + x + " mod " + std::to_string(pick({2, 5, 48, 89, 1000})) + ")";
    }
  }
  std::string formula(int depth) {
    static const char *const words[] = {"le", "lt", "ge", "gt", "eq", "ne"};
    if (depth == 0)
      return term(3) + " " + words[random() % std::size(words)] + " " + term(3);
    std::string x = "(" + formula(depth - 1) + ")";
    return random() % 4 == 0 ? "not " + x : x + (random() % 2 ? " and (" : " or (") + formula(depth - 1) + ")";
  }
};
} // namespace

// A sound answer in bounded time: the budget of cases runs out before patience does.
TEST(MaskFacts, HostileFormulasAreAnsweredInBoundedTime) {
  Hostile hostile{std::mt19937(11)};
  double worst = 0;
  std::string slowest;
  for (int i = 0; i < 120; ++i) {
    std::string text = "(q, k)[a] : " + hostile.formula(2 + i % 3);
    std::string error;
    std::optional<BlockMask> mask = BlockMask::parse(text, error);
    if (!mask)
      continue; // a factor of a factor that may leave 64 bits
    auto began = std::chrono::steady_clock::now();
    MaskFactsOptions options;
    options.sequenceLabels = true;
    (void)proveMaskFacts({MaskUse{*mask, {-1}, {anywhere}}}, options);
    (void)proveSameMask(*mask, BlockMask::causal());
    (void)findBlindRow(*mask);
    (void)proveCausalAfterSort(*mask, SortKey::Open, true);
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (seconds > worst) {
      worst = seconds;
      slowest = text;
    }
  }
  RecordProperty("slowest", slowest);
  EXPECT_LT(worst, 20) << slowest;
}
