//===- OpForms.cpp - parts of ops' forms that are written by hand ----------===//

#include "dialects/quoin/OpForms.h"

using namespace mlir;
using namespace quoin;

ParseResult quoin::parseStatistics(OpAsmParser &parser, StatisticsAttr &attr) {
  SmallVector<Statistic> list;
  auto one = [&]() -> ParseResult {
    StringRef word;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&word))
      return failure();
    std::optional<Statistic> value = symbolizeStatistic(word);
    if (!value)
      return parser.emitError(loc) << "expects a statistic, but found '" << word << "'";
    list.push_back(*value);
    return success();
  };
  if (parser.parseCommaSeparatedList(one))
    return failure();
  attr = StatisticsAttr::get(parser.getContext(), list);
  return success();
}

void quoin::printStatistics(OpAsmPrinter &printer, Operation *, StatisticsAttr attr) {
  llvm::interleaveComma(attr.getStatistics(), printer, [&](Statistic s) { printer << stringifyStatistic(s); });
}

ParseResult quoin::parseCallResults(OpAsmParser &parser, Type &logits, SmallVectorImpl<Type> &outputs) {
  logits = LogitsType::get(parser.getContext());
  if (failed(parser.parseOptionalArrow()))
    return success();
  if (parser.parseTypeList(outputs))
    return failure();
  if (isa<LogitsType>(outputs.front()))
    outputs.erase(outputs.begin());
  else
    logits = Type();
  return success();
}

void quoin::printCallResults(OpAsmPrinter &printer, Operation *, Type logits, TypeRange outputs) {
  if (logits && outputs.empty())
    return;
  printer << "-> ";
  if (logits)
    printer << logits << (outputs.empty() ? "" : ", ");
  llvm::interleaveComma(outputs, printer);
}

ParseResult quoin::parseNumbersType(OpAsmParser &parser, Type &type) {
  if (succeeded(parser.parseOptionalComma()))
    return parser.parseType(type);
  type = RankedTensorType::get({ShapedType::kDynamic}, parser.getBuilder().getIndexType());
  return success();
}

void quoin::printNumbersType(OpAsmPrinter &printer, Operation *, Type type) {
  if (!getElementTypeOrSelf(type).isIndex())
    printer << ", " << type;
}
