//===- QuoinAttributes.cpp - parsing and printing of attributes ------------===//

#include "dialects/quoin/QuoinDialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace quoin;

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// Collects the text of a mask up to the closing bracket. The lexer splits it into tokens that other attributes share;
/// the formula's grammar lives in MaskParser.cpp and knows nothing of MLIR.
static ParseResult collectMaskText(AsmParser &parser, std::string &text) {
  llvm::raw_string_ostream os(text);
  int depth = 1;
  for (int tokens = 0; tokens < 100000; ++tokens) {
    StringRef word;
    APInt integer;
    if (succeeded(parser.parseOptionalGreater())) {
      if (--depth == 0)
        return success();
      os << '>';
    } else if (succeeded(parser.parseOptionalLess())) {
      ++depth;
      os << '<';
    } else if (succeeded(parser.parseOptionalKeyword(&word))) {
      os << word << ' ';
    } else if (succeeded(parser.parseOptionalLParen())) {
      os << '(';
    } else if (succeeded(parser.parseOptionalRParen())) {
      os << ')';
    } else if (succeeded(parser.parseOptionalLSquare())) {
      os << '[';
    } else if (succeeded(parser.parseOptionalRSquare())) {
      os << ']';
    } else if (succeeded(parser.parseOptionalComma())) {
      os << ',';
    } else if (succeeded(parser.parseOptionalColon())) {
      os << ':';
    } else if (succeeded(parser.parseOptionalEqual())) {
      os << '=';
    } else if (succeeded(parser.parseOptionalPlus())) {
      os << '+';
    } else if (succeeded(parser.parseOptionalStar())) {
      os << '*';
    } else if (succeeded(parser.parseOptionalMinus())) {
      os << '-'; // before integers, or it would be taken for a sign
    } else if (OptionalParseResult r = parser.parseOptionalInteger(integer); r.has_value()) {
      if (failed(*r))
        return failure();
      os << integer << ' ';
    } else {
      return parser.emitError(parser.getCurrentLocation(), "expects a mask formula of words, integers and operators");
    }
  }
  return parser.emitError(parser.getCurrentLocation(), "expects a shorter mask formula");
}

Attribute MaskAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  std::string text, error;
  if (parser.parseLess() || collectMaskText(parser, text))
    return {};
  std::optional<BlockMask> mask = BlockMask::parse(text, error);
  if (!mask) {
    parser.emitError(loc, error) << " in mask '" << StringRef(text).trim() << "'";
    return {};
  }
  return MaskAttr::get(parser.getContext(), std::move(*mask));
}

void MaskAttr::print(AsmPrinter &printer) const {
  printer << '<';
  getFormula().print(printer.getStream());
  printer << '>';
}

//===----------------------------------------------------------------------===//
// Orders
//===----------------------------------------------------------------------===//

Attribute OrderAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  std::vector<int64_t> tokens;
  auto run = [&]() -> ParseResult {
    int64_t from, to, step = 1;
    if (parser.parseInteger(from))
      return failure();
    to = from;
    if (succeeded(parser.parseOptionalKeyword("to")) &&
        (parser.parseInteger(to) || (succeeded(parser.parseOptionalKeyword("by")) && parser.parseInteger(step))))
      return failure();
    if (to < from || to - from > (int64_t(1) << 20) || step < 1)
      return parser.emitError(loc, "expects an ascending run of tokens, but found ")
             << from << " to " << to << " by " << step;
    for (int64_t token = from; token <= to; token += step)
      tokens.push_back(token);
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, run))
    return {};
  std::string error;
  std::optional<TokenOrder> order = TokenOrder::fromList(std::move(tokens), error);
  if (!order) {
    parser.emitError(loc, error);
    return {};
  }
  return OrderAttr::get(parser.getContext(), std::move(*order));
}

void OrderAttr::print(AsmPrinter &printer) const { printer << '<' << getOrder().print() << '>'; }

//===----------------------------------------------------------------------===//
// Lists of words
//===----------------------------------------------------------------------===//

/// Parses words of an enumeration, separated by commas.
template <typename Enum, typename Symbolize>
static FailureOr<SmallVector<Enum>> parseWords(AsmParser &parser, StringRef what, Symbolize symbolize) {
  SmallVector<Enum> words;
  auto one = [&]() -> ParseResult {
    StringRef word;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&word))
      return failure();
    std::optional<Enum> value = symbolize(word);
    if (!value)
      return parser.emitError(loc) << "expects a " << what << ", but found '" << word << "'";
    words.push_back(*value);
    return success();
  };
  if (parser.parseCommaSeparatedList(one))
    return failure();
  return words;
}

template <typename Enum, typename Stringify>
static void printWords(AsmPrinter &printer, ArrayRef<Enum> words, Stringify stringify) {
  llvm::interleaveComma(words, printer, [&](Enum e) { printer << stringify(e); });
}

Attribute SamplerAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess())
    return {};
  auto words =
      parseWords<Transform>(parser, "transform of a sampler", [](StringRef w) { return symbolizeTransform(w); });
  if (failed(words) || parser.parseGreater())
    return {};
  return SamplerAttr::getChecked([&] { return parser.emitError(loc); }, parser.getContext(), *words);
}

LogicalResult SamplerAttr::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<Transform> transforms) {
  // sampler_c1
  if (llvm::is_contained(transforms, Transform::RawConfidence) &&
      llvm::is_contained(transforms, Transform::FilteredConfidence))
    return emitError() << "expects one kind of confidence, but found 'raw_confidence' and 'filtered_confidence'";
  return success();
}

void SamplerAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printWords(printer, getTransforms(), [](Transform t) { return stringifyTransform(t); });
  printer << '>';
}

/// Which of the words a text is, and the number behind it. A word without a number is found first.
static std::optional<std::pair<int64_t, double>> findWord(ArrayRef<StringAttr> words, StringRef text) {
  for (auto [i, word] : llvm::enumerate(words))
    if (!word.getValue().ends_with("*") && word.getValue() == text)
      return std::pair(static_cast<int64_t>(i), 0.0);
  for (auto [i, word] : llvm::enumerate(words)) {
    StringRef stem = word.getValue(), rest = text;
    double number = 0;
    if (stem.consume_back("*") && rest.consume_front(stem) && !rest.getAsDouble(number) && std::isfinite(number))
      return std::pair(static_cast<int64_t>(i), number);
  }
  return std::nullopt;
}

LogicalResult WordAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef value,
                               ArrayRef<StringAttr> words) {
  // word_c1
  constexpr size_t most = 64;
  if (words.empty() || words.size() > most)
    return emitError() << "expects 1 to " << most << " words, but found " << words.size();
  SmallPtrSet<Attribute, 8> known;
  for (StringAttr word : words) {
    StringRef stem = word.getValue();
    stem.consume_back("*");
    bool plain = llvm::all_of(stem, [](char c) { return llvm::isAlnum(c) || c == '_' || c == '-' || c == '.'; });
    if (stem.empty() || stem.size() > most || !plain)
      return emitError() << "expects a word of 1 to " << most << " letters, digits, '_', '-' and '.', but found "
                         << word;
    if (!known.insert(word).second)
      return emitError() << "expects each word once, but found " << word << " twice";
  }
  // word_c2
  if (!findWord(words, value))
    return emitError() << "expects a default that is one of its words, but found '" << value << "'";
  return success();
}

std::optional<std::pair<int64_t, double>> WordAttr::find(StringRef text) const { return findWord(getWords(), text); }

std::string WordAttr::list() const {
  return llvm::join(llvm::map_range(getWords(), [](StringAttr word) { return word.getValue(); }), ", ");
}

static ParseResult parseStatisticList(AsmParser &parser, SmallVector<Statistic> &list) {
  auto words = parseWords<Statistic>(parser, "statistic", [](StringRef w) { return symbolizeStatistic(w); });
  if (failed(words))
    return failure();
  list = std::move(*words);
  return success();
}

static void printStatisticList(AsmPrinter &printer, ArrayRef<Statistic> list) {
  printWords(printer, list, [](Statistic s) { return stringifyStatistic(s); });
}

#include "dialects/quoin/QuoinEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/quoin/QuoinAttributes.cpp.inc"

void QuoinDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/quoin/QuoinAttributes.cpp.inc"
      >();
}
