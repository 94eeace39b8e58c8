//===- MaskWitness.cpp - tokens that show why nothing is kept --------------===//

#include "passes/MaskDraws.h"
#include "passes/MaskFacts.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace quoin;

namespace {
/// The one of the smallest positions among those that were met.
struct Witness {
  int64_t size = INT64_MAX;
  std::string text;

  void offer(int64_t of, llvm::function_ref<std::string()> describe) {
    if (of >= size)
      return;
    size = of;
    text = describe();
  }
};
} // namespace

/// Of a token of the sequence also its slot, where that is not its position.
static std::string describe(const MaskToken &token, bool labels, bool own = true) {
  std::string text = "position " + std::to_string(token.position);
  if (own && token.slot != token.position)
    text = "slot " + std::to_string(token.slot) + " at " + text;
  if (token.open)
    text = "open " + text;
  return labels ? text + " of label " + std::to_string(token.label) : text;
}

/// ` for a = 1, b = 2`; empty without symbols.
static std::string describe(const BlockMask &mask, llvm::ArrayRef<int64_t> symbols) {
  std::string text;
  for (auto [name, value] : llvm::zip_equal(mask.symbols(), symbols))
    text += (text.empty() ? " for " : ", ") + name + " = " + std::to_string(value);
  return text;
}

namespace {
class Finder : MaskDraws {
public:
  Finder(llvm::ArrayRef<MaskUse> uses, const MaskFactsOptions &options) : MaskDraws(uses, options) {}

  /// A row of the text that sees a `then` row.
  std::string ofThen(const MaskUse &use);
  /// A row that sees a key behind it.
  std::string ofCut(const MaskUse &use);
  /// A row that sees a key at one call, and not at another.
  std::string ofPrefix(const MaskUse &use);

private:
  static constexpr int attempts = 8000;
};
} // namespace

std::string Finder::ofThen(const MaskUse &use) {
  Witness witness;
  int64_t range = drawRange();
  for (int i = 0; i < attempts && !use.then.empty(); ++i) {
    llvm::SmallVector<int64_t> shared = drawShared(range), symbols = drawSymbols(use, shared, range);
    const ThenRows &then = use.then[static_cast<size_t>(draw(0, static_cast<int64_t>(use.then.size()) - 1))];
    int64_t to = draw(1, i % 2 ? range : 4);
    MaskToken q, k;
    q.slot = draw(0, to - 1);
    q.position = drawPosition(q.slot, range);
    k.slot = to + draw(0, 2);
    k.position = std::max<int64_t>(0, then.above ? to + *then.above + draw(0, 3) : draw(0, range));
    k.label = drawLabel(then.lowLabel, then.highLabel);
    if (options.sequenceLabels)
      q.label = drawLabel(options.lowLabel, options.highLabel);
    if (use.mask.see(q, k, symbols))
      witness.offer(to + k.position, [&] {
        return describe(q, options.sequenceLabels) + " sees a 'then' row at " + describe(k, true, /*own=*/false) +
               ", behind a text of " + std::to_string(to) + describe(use.mask, symbols);
      });
  }
  return witness.text;
}

std::string Finder::ofCut(const MaskUse &use) {
  Witness witness;
  int64_t range = drawRange();
  for (int i = 0; i < attempts; ++i) {
    llvm::SmallVector<int64_t> shared = drawShared(range), symbols = drawSymbols(use, shared, range);
    MaskToken q, k;
    q.slot = draw(0, i % 2 ? range : 2);
    k.slot = q.slot + 1 + draw(0, i % 2 ? range : 2);
    q.position = drawPosition(q.slot, range);
    k.position = drawPosition(k.slot, range);
    if (use.mask.usesOpen())
      k.open = draw(0, 1);
    if (options.sequenceLabels) {
      q.label = drawLabel(options.lowLabel, options.highLabel);
      k.label = drawLabel(options.lowLabel, options.highLabel);
    }
    if (use.mask.see(q, k, symbols))
      // Of tokens that stand at their slots the key's position says it all.
      witness.offer(std::max(k.position, k.slot) + (q.position == q.slot ? 0 : q.position) + std::abs(q.label) +
                        std::abs(k.label),
                    [&] {
                      return describe(q, options.sequenceLabels) + " sees " + describe(k, options.sequenceLabels) +
                             " behind it" + describe(use.mask, symbols);
                    });
  }
  return witness.text;
}

std::string Finder::ofPrefix(const MaskUse &use) {
  Witness witness;
  int64_t range = drawRange();
  for (int i = 0; i < attempts; ++i) {
    const MaskUse &other = uses[static_cast<size_t>(draw(0, static_cast<int64_t>(uses.size()) - 1))];
    llvm::SmallVector<int64_t> shared = drawShared(range), x = drawSymbols(use, shared, range),
                               y = drawSymbols(other, shared, range);
    MaskToken q, k;
    q.slot = draw(0, i % 2 ? range : 4);
    k.slot = draw(0, q.slot);
    q.position = drawPosition(q.slot, range);
    k.position = drawPosition(k.slot, range);
    if (options.sequenceLabels) {
      q.label = drawLabel(options.lowLabel, options.highLabel);
      k.label = drawLabel(options.lowLabel, options.highLabel);
    }
    bool sees = use.mask.see(q, k, x);
    if (other.mask.see(q, k, y) == sees)
      continue;
    witness.offer(q.position + k.position, [&] {
      std::string text = describe(q, options.sequenceLabels) + (sees ? " sees " : " does not see ") +
                         describe(k, options.sequenceLabels) + describe(use.mask, x) +
                         (sees ? ", but not" : ", but does");
      llvm::raw_string_ostream os(text);
      if (!(other.mask == use.mask)) {
        os << " under '";
        other.mask.print(os);
        os << "'";
      }
      os << describe(other.mask, y);
      return text;
    });
  }
  return witness.text;
}

std::string quoin::findWitness(llvm::ArrayRef<MaskUse> uses, const MaskFactsOptions &options, const MaskFacts &facts,
                               size_t use) {
  Finder finder(uses, options);
  std::string text;
  if (facts.thenIsSeen[use])
    text = finder.ofThen(uses[use]);
  else if (facts.cut.kind != RowCut::Kind::Nothing)
    text = finder.ofPrefix(uses[use]);
  return text.empty() ? finder.ofCut(uses[use]) : text;
}
