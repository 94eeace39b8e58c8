//===- DecoderOps.cpp - verifiers and forms of decoder ops -----------------===//

#include "dialects/quoin/PositionKey.h"
#include "dialects/quoin/QuoinDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;

/// Fails unless the symbol names a model.
static LogicalResult expectModel(Operation *op, SymbolTableCollection &table, FlatSymbolRefAttr symbol) {
  Operation *found = table.lookupNearestSymbolFrom(op, symbol);
  if (!found || !found->hasTrait<IsModel>())
    return op->emitOpError("expects a quoin.model, but found ") << symbol;
  if (auto model = dyn_cast<ModelOp>(found); model && !model.isOfTokens())
    return op->emitOpError("expects a model of tokens, but ") << symbol << " takes none";
  return success();
}

/// And unless it takes and gives that. A step that a model became has seen to it before.
static LogicalResult expectCall(Operation *op, SymbolTableCollection &table, FlatSymbolRefAttr symbol,
                                TypeRange columns, TypeRange results) {
  if (failed(expectModel(op, table, symbol)))
    return failure();
  auto model = dyn_cast<ModelOp>(table.lookupNearestSymbolFrom(op, symbol));
  // The model's own verifier says what is wrong with a body that is none.
  if (!model || model.getBody().front().empty())
    return success();
  auto print = [](InFlightDiagnostic error, TypeRange wanted, TypeRange found) -> LogicalResult {
    auto list = [&](TypeRange types) {
      if (types.empty())
        error << "none";
      llvm::interleaveComma(types, error);
    };
    list(wanted);
    error << ", but found ";
    list(found);
    return error;
  };
  SmallVector<Type> takes, gives;
  for (BlockArgument column : model.getColumns())
    takes.push_back(column.getType());
  if (TypeRange(takes) != columns)
    return print(op->emitOpError("expects columns of ") << symbol << ", ", takes, columns);
  if (model.getHead())
    gives.push_back(LogitsType::get(op->getContext()));
  llvm::append_range(gives, model.getResultRows().getTypes());
  return TypeRange(gives) == results ? success()
                                     : print(op->emitOpError("expects results of ") << symbol << ", ", gives, results);
}

/// Fails unless as many symbols are given as the mask has, and labels are left to the sequence.
static LogicalResult expectSymbols(Operation *op, MaskAttr mask, size_t given) {
  if (ArrayRef<LabelArray> arrays = mask.getFormula().arrays(); !arrays.empty())
    return op->emitOpError("expects labels of the sequence, but found the array '")
           << arrays.front().name << "' in its mask";
  size_t wanted = mask.getFormula().symbols().size();
  if (wanted == given)
    return success();
  return op->emitOpError("expects ") << wanted << " symbols of its mask, but found " << given;
}

template <typename Call> static LogicalResult expectThenRows(Call op) {
  if (op.getLabels() && !op.getIds())
    return op.emitOpError("expects labels only with 'then' rows");
  return success();
}

//===----------------------------------------------------------------------===//
// Decoders
//===----------------------------------------------------------------------===//

ParseResult DecoderOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument, 2> args(2);
  DictionaryAttr settings;
  MLIRContext *context = parser.getContext();
  if (parser.parseSymbolName(name, SymbolTable::getSymbolAttrName(), result.attributes) || parser.parseLParen() ||
      parser.parseArgument(args[0]) || parser.parseComma() || parser.parseArgument(args[1]) || parser.parseRParen() ||
      parser.parseKeyword("settings") || parser.parseAttribute(settings) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  args[0].type = SequenceType::get(context);
  args[1].type = IndexType::get(context);
  result.addAttribute("settings", settings);
  return parser.parseRegion(*result.addRegion(), args);
}

void DecoderOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  printer << '(' << getBody().getArgument(0) << ", " << getBody().getArgument(1) << ") settings " << getSettings();
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {"sym_name", "settings"});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

LogicalResult DecoderOp::verify() {
  // decoder_c1
  Block &entry = getBody().front();
  if (entry.getNumArguments() != 2 || !isa<SequenceType>(entry.getArgument(0).getType()) ||
      !isa<IndexType>(entry.getArgument(1).getType()))
    return emitOpError("expects a body with arguments !quoin.sequence and index, but found ")
           << entry.getArgumentTypes();
  // decoder_c2
  for (NamedAttribute s : getSettings()) {
    auto typed = dyn_cast<TypedAttr>(s.getValue());
    if (!isa<WordAttr>(s.getValue()) && (!typed || !(typed.getType().isF32() || typed.getType().isIndex())))
      return emitOpError("expects setting '")
             << s.getName().getValue() << "' of type f32 or index or a word, but found " << s.getValue();
  }
  // decoder_c3
  if (Attribute list = (*this)->getAttr(runTimeAttr)) {
    auto names = dyn_cast<ArrayAttr>(list);
    for (Attribute name : names ? names.getValue() : ArrayRef<Attribute>())
      if (!isa<StringAttr>(name) || !getSettings().contains(cast<StringAttr>(name)))
        return emitOpError("expects settings of the decoder in '") << runTimeAttr << "', but found " << name;
    if (!names)
      return emitOpError("expects a list of settings in '") << runTimeAttr << "', but found " << list;
  }
  return success();
}

LogicalResult SettingOp::verify() {
  // setting_c1
  if (getName() == "fill") {
    if (!getType().isInteger(32))
      return emitOpError("expects '@fill' of type i32, but found ") << getType();
    return success();
  }
  auto decoder = (*this)->getParentOfType<DecoderOp>();
  if (!decoder)
    return emitOpError("expects to stand in a decoder");
  Attribute value = decoder.getSettings().get(getName());
  if (!value)
    return emitOpError("expects a setting of the decoder, but found '") << getName() << "'";
  // setting_c2
  if (auto word = dyn_cast<WordAttr>(value)) {
    auto isWanted = [&](StringAttr each) { return each.getValue() == getWord(); };
    auto hasNumber = [](StringAttr each) { return each.getValue().ends_with("*"); };
    if (getWord() && llvm::none_of(word.getWords(), isWanted))
      return emitOpError("expects one of the words ") << word.list() << ", but found '" << *getWord() << "'";
    if (!getWord() && llvm::none_of(word.getWords(), hasNumber))
      return emitOpError("expects 'is' and a word of setting '") << getName() << "', none of which a number follows";
    if (getWord() ? !getType().isInteger(1) : !getType().isF64())
      return emitOpError("expects ") << (getWord() ? "i1" : "f64") << ", but found " << getType();
    return success();
  }
  // setting_c3
  if (getWord())
    return emitOpError("expects 'is' for a setting that is a word, but '") << getName() << "' is " << value;
  auto setting = cast<TypedAttr>(value);
  if (setting.getType() != getType())
    return emitOpError("expects setting '")
           << getName() << "' of type " << setting.getType() << ", but found " << getType();
  return success();
}

Value quoin::labelsGivenBy(Operation *op) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<ExtendOp, AppendOp, InsertOp>([](auto o) -> Value { return o.getLabel(); })
      .Case([](RelabelOp o) -> Value { return o.getLabels(); })
      .Default([](Operation *) { return Value(); });
}

bool quoin::givesPositions(DecoderOp decoder) {
  auto gives = [](AppendOp op) { return op.getPositions() ? WalkResult::interrupt() : WalkResult::advance(); };
  return decoder.walk(gives).wasInterrupted();
}

LogicalResult DenoiseOp::verifyRegions() {
  Block &block = getBody().front();
  Builder b(getContext());
  // denoise_c1
  SmallVector<Type> expected = {SequenceType::get(getContext()),
                                RankedTensorType::get({ShapedType::kDynamic}, b.getIndexType())};
  llvm::append_range(expected, getInits().getTypes());
  if (!llvm::equal(block.getArgumentTypes(), expected))
    return emitOpError("expects a body with arguments ")
           << TypeRange(expected) << ", but found " << block.getArgumentTypes();
  // denoise_c2
  auto yield = cast<YieldOp>(block.getTerminator());
  if (yield.getCarried().getTypes() != getInits().getTypes())
    return emitOpError("expects to yield the carried types ")
           << getInits().getTypes() << ", but found " << yield.getCarried().getTypes();
  // denoise_c3
  if (getCarried().getTypes() != getInits().getTypes())
    return emitOpError("expects results of the carried types ")
           << getInits().getTypes() << ", but found " << getCarried().getTypes();
  return success();
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

LogicalResult ForwardOp::verifySymbolUses(SymbolTableCollection &table) {
  // forward_c1, forward_c4, forward_c5
  return expectCall(*this, table, getModelAttr(), getColumns().getTypes(), getResultTypes());
}
LogicalResult ForwardOp::verify() {
  if (failed(expectSymbols(*this, getMask(), getSymbols().size()))) // forward_c2
    return failure();
  return expectThenRows(*this); // forward_c3
}

LogicalResult CommitOp::verifySymbolUses(SymbolTableCollection &table) {
  // commit_c2
  if (!getModelAttr())
    return success();
  if (failed(expectModel(*this, table, getModelAttr())))
    return failure();
  auto model = dyn_cast<ModelOp>(table.lookupNearestSymbolFrom(*this, getModelAttr()));
  if (model && !model.getColumns().empty())
    return emitOpError("expects a model of tokens alone, but ") << getModelAttr() << " takes other columns";
  return success();
}
LogicalResult CommitOp::verify() {
  // commit_c1
  if (!getMask())
    return getSymbols().empty() ? success() : emitOpError("expects symbols only with a mask");
  return expectSymbols(*this, *getMask(), getSymbols().size());
}

LogicalResult ForwardCachedOp::verifySymbolUses(SymbolTableCollection &table) {
  // forward_cached_c1, forward_cached_c4, forward_cached_c5
  return expectCall(*this, table, getModelAttr(), getColumns().getTypes(), getResultTypes());
}
LogicalResult ForwardCachedOp::verify() {
  if (failed(expectSymbols(*this, getMask(), getSymbols().size())) ||
      failed(expectThenRows(*this))) // forward_cached_c2
    return failure();
  // forward_cached_c3
  return getPass() && getRead() ? emitOpError("expects a pass to read nothing") : success();
}

//===----------------------------------------------------------------------===//
// Logits
//===----------------------------------------------------------------------===//

/// Statistics are distinct and their values have the types that belong to them.
static LogicalResult verifyStatistics(Operation *op, StatisticsAttr attr, TypeRange values) {
  ArrayRef<Statistic> statistics = attr.getStatistics();
  if (statistics.empty())
    return op->emitOpError("expects at least one statistic");
  for (size_t i = 0; i < statistics.size(); ++i)
    if (llvm::is_contained(statistics.take_front(i), statistics[i]))
      return op->emitOpError("expects each statistic once, but found '")
             << stringifyStatistic(statistics[i]) << "' twice";
  if (values.size() != statistics.size())
    return op->emitOpError("expects ") << statistics.size() << " values, one per statistic, but found "
                                       << values.size();
  for (auto [statistic, type] : llvm::zip(statistics, values)) {
    Builder b(op->getContext());
    Type element = statistic == Statistic::Token ? Type(b.getI32Type()) : b.getF32Type();
    Type expected = RankedTensorType::get({ShapedType::kDynamic}, element);
    if (type != expected)
      return op->emitOpError("expects '")
             << stringifyStatistic(statistic) << "' of type " << expected << ", but found " << type;
  }
  return success();
}

static LogicalResult verifyOf(Operation *op, StatisticsAttr attr, Value of) {
  if (llvm::is_contained(attr.getStatistics(), Statistic::Probability) == static_cast<bool>(of))
    return success();
  return op->emitOpError("expects 'of' with 'probability' and only with it");
}

LogicalResult ScoreOp::verify() {
  if (failed(verifyStatistics(*this, getStatistics(), getValues().getTypes()))) // score_c1, score_c4
    return failure();
  if (failed(verifyOf(*this, getStatistics(), getOf()))) // score_c2
    return failure();
  // score_c3
  if (getSampler() && (!getPositions() || !getEvaluation()))
    return emitOpError("expects a sampler to come with positions and an evaluation");
  // score_c5
  if (!getSampler())
    for (Statistic s : getStatistics().getStatistics())
      if (isFiltered(s))
        return emitOpError("expects a sampler with '") << stringifyStatistic(s) << "', but found none";
  return success();
}

LogicalResult GuideOp::verify() {
  // guide_c1
  for (Value v : {getConditional(), getUnconditional()})
    if (v.getDefiningOp<GuideOp>())
      return emitOpError("expects logits that are not guided themselves");
    else if (v.getDefiningOp<AdjustOp>())
      return emitOpError("expects logits that are not adjusted");
  return success();
}

LogicalResult AdjustOp::verify() {
  // adjust_c1
  return getLogits().getDefiningOp<AdjustOp>() ? emitOpError("expects logits that are not adjusted") : success();
}

LogicalResult AsLogitsOp::verify() {
  // as_logits_c1
  auto module = (*this)->getParentOfType<ModuleOp>();
  std::optional<int64_t> wanted;
  for (Operation &op : module ? module.getBody()->getOperations() : getOperation()->getBlock()->getOperations()) {
    if (!op.hasTrait<IsModel>())
      continue;
    auto model = dyn_cast<ModelOp>(op);
    if (!model)
      return success(); // lowered: it was looked at before
    auto head =
        model.getHeadAttr() ? SymbolTable::lookupNearestSymbolFrom<WeightOp>(model, model.getHeadAttr()) : WeightOp();
    if (head)
      wanted = cast<RankedTensorType>(head.getType()).getDimSize(0);
  }
  if (auto said = module ? module->getAttrOfType<IntegerAttr>(module_attr::vocabulary) : IntegerAttr(); said && !wanted)
    wanted = said.getInt();
  int64_t width = rowNumbersOf(getScores());
  return !wanted || *wanted == width
             ? success()
             : emitOpError("expects rows of a score for each of ") << *wanted << " tokens, but found " << width;
}

//===----------------------------------------------------------------------===//
// Orders
//===----------------------------------------------------------------------===//

LogicalResult PermuteTokensOp::verify() {
  // permute_tokens_c1
  for (Operation *user : getResult().getUsers())
    if (!isa<ReuseOp, ForwardOp, ForwardCachedOp, SuspendForwardOp>(user))
      return emitOpError("expects a sorted sequence to be used by calls of models only, but found '")
             << user->getName() << "'";
  // permute_tokens_c2
  if ((getKey() == SortKey::Position) != getMap().has_value())
    return emitOpError("expects a map for 'position' and for nothing else, but found it for '")
           << stringifyEnum(getKey()) << (getMap() ? "'" : "' left out");
  if (getMap())
    if (std::string expected = checkPositionKey(*getMap()); !expected.empty())
      return emitOpError("expects a map of ") << expected << ", but found " << getMapAttr();
  return success();
}

//===----------------------------------------------------------------------===//
// Suspension points
//===----------------------------------------------------------------------===//

SuccessorOperands SuspendForwardOp::getSuccessorOperands(unsigned) {
  return SuccessorOperands(static_cast<unsigned>(getGives().value_or(1)), getLiveMutable());
}

LogicalResult SuspendForwardOp::verifySymbolUses(SymbolTableCollection &table) {
  // suspend_forward_c1, suspend_forward_c4, suspend_forward_c5
  auto given = static_cast<size_t>(getGives().value_or(1));
  return expectCall(*this, table, getModelAttr(), getColumns().getTypes(),
                    TypeRange(getResume()->getArgumentTypes()).take_front(given));
}
LogicalResult SuspendForwardOp::verify() {
  if (failed(expectSymbols(*this, getMask(), getSymbols().size())) ||
      failed(expectThenRows(*this))) // suspend_forward_c2
    return failure();
  if (static_cast<bool>(getCache()) != static_cast<bool>(getFrom()) ||
      static_cast<bool>(getCache()) != static_cast<bool>(getKeep()))
    return emitOpError("expects 'from' and 'keep' with a cache and only with it"); // suspend_forward_c3
  // suspend_forward_c5
  uint64_t given = getGives().value_or(1);
  if (getResume()->getNumArguments() < given)
    return emitOpError("expects a successor with ")
           << given << " results as first arguments, but found " << getResume()->getNumArguments() << " arguments";
  if (!getGives() && !isa<LogitsType>(getResume()->getArgument(0).getType()))
    return emitOpError("expects a successor whose first argument is !quoin.logits");
  return success();
}

SuccessorOperands SuspendScoreOp::getSuccessorOperands(unsigned) {
  return SuccessorOperands(getStatistics().getStatistics().size(), getLiveMutable());
}

LogicalResult SuspendScoreOp::verify() {
  // suspend_score_c1
  size_t n = getStatistics().getStatistics().size();
  if (getResume()->getNumArguments() < n)
    return emitOpError("expects a successor with ")
           << n << " statistics as first arguments, but found " << getResume()->getNumArguments() << " arguments";
  if (failed(verifyStatistics(*this, getStatistics(), TypeRange(getResume()->getArgumentTypes()).take_front(n))))
    return failure();
  return verifyOf(*this, getStatistics(), getOf());
}

SuccessorOperands SuspendScoresOp::getSuccessorOperands(unsigned) {
  return SuccessorOperands(getCounts() ? 2 : 1, getLiveMutable());
}

LogicalResult SuspendScoresOp::verify() {
  // suspend_scores_c1
  Builder b(getContext());
  auto is = [&](Type type, unsigned number) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return false;
    if (getCounts())
      return tensor == RankedTensorType::get({ShapedType::kDynamic}, number ? Type(b.getF32Type()) : b.getI32Type());
    return tensor.getRank() == 2 && tensor.getElementType().isF32() && isRowsType(tensor);
  };
  unsigned given = getCounts() ? 2 : 1;
  for (unsigned i = 0; i < given; ++i) {
    bool there = i < getResume()->getNumArguments();
    if (there && is(getResume()->getArgument(i).getType(), i))
      continue;
    InFlightDiagnostic error = emitOpError("expects a successor whose ") << (i ? "second" : "first") << " argument is "
                                                                         << (!getCounts() ? "rows of f32"
                                                                             : i          ? "tensor<?xf32>"
                                                                                          : "tensor<?xi32>")
                                                                         << ", but found ";
    return there ? error << getResume()->getArgument(i).getType() : error << "none";
  }
  return success();
}
