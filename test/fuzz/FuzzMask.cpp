//===- FuzzMask.cpp - hostile mask formulas, and tiles against pairs -------===//
//
// The input up to its first zero byte is a formula, the rest draws boxes of pairs. What `classify` says of a box must
// hold of every pair in it that is drawn, and a formula that is printed and parsed again must mean the same.
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "dialects/quoin/BlockMask.h"
#include "llvm/Support/raw_ostream.h"

#include <fuzzer/FuzzedDataProvider.h>

using namespace quoin;
using namespace quoin::fuzz;

static std::string print(const BlockMask &mask) {
  std::string text;
  llvm::raw_string_ostream os(text);
  mask.print(os);
  return text;
}

/// Mostly near zero, where blocks and windows begin and end; sometimes anywhere.
static int64_t drawNumber(FuzzedDataProvider &draw) {
  return draw.ConsumeBool() ? draw.ConsumeIntegralInRange<int64_t>(-130, 130) : draw.ConsumeIntegral<int64_t>();
}

static Interval drawInterval(FuzzedDataProvider &draw) {
  int64_t a = drawNumber(draw), b = draw.ConsumeBool() ? a : drawNumber(draw);
  return {std::min(a, b), std::max(a, b)};
}

static MaskBox drawBox(FuzzedDataProvider &draw) {
  MaskBox box;
  for (Interval *interval : {&box.position, &box.slot, &box.open, &box.label})
    *interval = drawInterval(draw);
  return box;
}

static int64_t drawFrom(FuzzedDataProvider &draw, Interval interval) {
  switch (draw.ConsumeIntegralInRange(0, 3)) {
  case 0:
    return interval.low;
  case 1:
    return interval.high;
  default:
    return draw.ConsumeIntegralInRange(interval.low, interval.high);
  }
}

static MaskToken drawToken(FuzzedDataProvider &draw, const MaskBox &box) {
  MaskToken token;
  token.position = drawFrom(draw, box.position);
  token.slot = drawFrom(draw, box.slot);
  token.open = drawFrom(draw, box.open);
  token.label = drawFrom(draw, box.label);
  return token;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  std::string_view text = takePart(input);
  std::string error;
  std::optional<BlockMask> mask = BlockMask::parse(llvm::StringRef(text.data(), text.size()), error);
  if (!mask) {
    REQUIRE(isOneLine(error));
    return 0;
  }
  std::optional<BlockMask> again = BlockMask::parse(print(*mask), error);
  REQUIRE(again && print(*again) == print(*mask) && again->symbols() == mask->symbols());

  FuzzedDataProvider draw(reinterpret_cast<const uint8_t *>(input.data()), input.size());
  for (int boxes = 0; boxes < 4; ++boxes) {
    std::vector<int64_t> values;
    for (size_t i = 0; i < mask->symbols().size(); ++i)
      values.push_back(drawNumber(draw));
    MaskBox q = drawBox(draw), k = drawBox(draw);
    Tile tile = mask->classify(q, k, values);
    for (int pairs = 0; pairs < 8; ++pairs) {
      MaskToken a = drawToken(draw, q), b = drawToken(draw, k);
      bool seen = mask->see(a, b, values);
      REQUIRE(tile == Tile::Partial || seen == (tile == Tile::Full));
      REQUIRE(again->see(a, b, values) == seen);
      // A box of one pair.
      MaskBox one = {{a.position, a.position}, {a.slot, a.slot}, {a.open, a.open}, {a.label, a.label}};
      MaskBox other = {{b.position, b.position}, {b.slot, b.slot}, {b.open, b.open}, {b.label, b.label}};
      Tile exact = mask->classify(one, other, values);
      REQUIRE(exact == Tile::Partial || seen == (exact == Tile::Full));
    }
  }
  return 0;
}
