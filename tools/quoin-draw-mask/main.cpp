//===- main.cpp - quoin-draw-mask: the tile map of a mask as a picture -----===//

#include "passes/StaticOrders.h"
#include "support/WholeFile.h"
#include "tools/quoin-draw-mask/Drawing.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>

using namespace quoin;

namespace {

/// A mistake of the user's.
struct Failure {
  std::string text;
};

/// "0:40,7+:10": 40 zeros, then 7, 8, .. 16. The last value goes on as long as there are tokens.
std::vector<int64_t> parseRuns(llvm::StringRef text, int64_t length, llvm::StringRef option) {
  std::vector<int64_t> values;
  bool ascends = false;
  llvm::SmallVector<llvm::StringRef> runs;
  text.split(runs, ',');
  for (llvm::StringRef run : runs) {
    auto [first, count] = run.split(':');
    ascends = first.consume_back("+");
    int64_t value, n = 1;
    if (first.getAsInteger(10, value) || (!count.empty() && count.getAsInteger(10, n)) || n < 1)
      throw Failure{("expects runs value:count or value+:count in " + option + ", but found '" + run + "'").str()};
    for (int64_t i = 0; i < n && static_cast<int64_t>(values.size()) < length; ++i)
      values.push_back(value + (ascends ? i : 0));
  }
  while (static_cast<int64_t>(values.size()) < length)
    values.push_back(values.back() + ascends);
  return values;
}

struct Arguments {
  std::string formula, out, title, positions, labels, open;
  int64_t length = 0, keys = -1, tile = 64;
  bool order = false;
  std::vector<std::string> symbols;
};

std::vector<MaskToken> makeTokens(const Arguments &a, int64_t length) {
  std::vector<MaskToken> tokens(static_cast<size_t>(length));
  auto fill = [&](const std::string &runs, const char *option, int64_t MaskToken::*field) {
    if (runs.empty())
      return;
    std::vector<int64_t> values = parseRuns(runs, length, option);
    for (size_t i = 0; i < values.size(); ++i)
      tokens[i].*field = values[i];
  };
  for (size_t i = 0; i < tokens.size(); ++i)
    tokens[i].position = tokens[i].slot = static_cast<int64_t>(i);
  fill(a.positions, "--positions", &MaskToken::position);
  fill(a.labels, "--labels", &MaskToken::label);
  fill(a.open, "--open", &MaskToken::open);
  return tokens;
}

std::vector<int64_t> symbolValues(const BlockMask &mask, const std::vector<std::string> &given) {
  std::vector<int64_t> values(mask.symbols().size());
  std::vector<bool> known(values.size());
  for (const std::string &s : given) {
    auto [name, text] = llvm::StringRef(s).split('=');
    auto it = llvm::find(mask.symbols(), name);
    size_t i = static_cast<size_t>(it - mask.symbols().begin());
    if (it == mask.symbols().end() || text.getAsInteger(10, values[i]))
      throw Failure{"expects --symbols name=integer of a symbol of the mask, but found '" + s + "'"};
    known[i] = true;
  }
  for (size_t i = 0; i < values.size(); ++i)
    if (!known[i])
      throw Failure{"expects --symbols to give '" + mask.symbols()[i] + "' a value, but found none"};
  return values;
}

int run(const Arguments &a) {
  // A formula alone is enough; the head may be left out.
  std::string error, text = a.formula;
  std::optional<BlockMask> mask = BlockMask::parse(text, error);
  if (!mask && llvm::StringRef(text).find(':') == llvm::StringRef::npos) {
    std::string second;
    if ((mask = BlockMask::parse("(q, k) : " + text, second)))
      error.clear();
    else if (!llvm::StringRef(text).starts_with("("))
      error = second;
  }
  if (!mask)
    throw Failure{error + " in mask '" + text + "'"};
  std::vector<int64_t> values = symbolValues(*mask, a.symbols);
  std::vector<MaskToken> queries = makeTokens(a, a.length), keys = makeTokens(a, a.keys < 0 ? a.length : a.keys);
  TileMap map(*mask, queries, keys, values, a.tile);
  Caption caption{a.title, "", a.length, static_cast<int64_t>(keys.size()), a.tile};
  llvm::raw_string_ostream formula(caption.formula);
  mask->print(formula);
  if (caption.title.empty())
    caption.title = caption.formula.size() > 46 ? caption.formula.substr(0, 45) + ".." : caption.formula;
  std::string drawn, summary;
  auto counts = [](const TileMap &m) {
    return std::to_string(m.count(Tile::Empty)) + " empty, " + std::to_string(m.count(Tile::Partial)) + " partial, " +
           std::to_string(m.count(Tile::Full)) + " full";
  };
  summary = counts(map);
  if (a.order) {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    OrderChoice choice = chooseOrder(context, *mask, queries, values, {a.tile});
    std::vector<MaskToken> sorted = choice.order.apply(llvm::ArrayRef<MaskToken>(queries));
    TileMap after(*mask, sorted, sorted, values, a.tile);
    drawn = drawPair(map, after, caption, choice.name);
    summary += "; sorted by " + choice.name + ": " + counts(after);
  } else {
    drawn = drawTiles(map, caption);
  }
  if (!writeWholeFile(a.out, drawn, error))
    throw Failure{error};
  llvm::outs() << summary << "\n";
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Draws which tiles of an attention a mask leaves empty, partial or full.", "quoin-draw-mask");
  Arguments a;
  app.add_option("MASK", a.formula, "what stands in #quoin.mask<...>, or a formula of q and k alone")->required();
  app.add_option("--length", a.length, "queries")->required()->check(CLI::Range(1, 1 << 16));
  app.add_option("--keys", a.keys, "keys (as many as queries)")->check(CLI::Range(1, 1 << 16));
  app.add_option("--tile", a.tile, "tokens along a tile (64)")->check(CLI::Range(1, 1 << 16));
  app.add_option("--symbols", a.symbols, "name=value for each symbol of the mask")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--positions", a.positions, "positions in runs, value:count or first+:count (0+)");
  app.add_option("--labels", a.labels, "labels in runs (0)");
  app.add_option("--open", a.open, "open bits in runs (0)");
  app.add_flag("--order", a.order, "beside it, the tokens in the order that visits fewest tiles")->excludes("--keys");
  app.add_option("--title", a.title, "heading (the mask)");
  app.add_option("-o,--output", a.out, "the SVG")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &e) {
    if (e.get_exit_code() == 0)
      return app.exit(e);
    llvm::errs() << "error: " << e.what() << "\n";
    return 2;
  }
  try {
    return run(a);
  } catch (const Failure &f) {
    llvm::errs() << "error: " << f.text << "\n";
    return 1;
  }
}
