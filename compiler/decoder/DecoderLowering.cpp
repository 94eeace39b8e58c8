//===- DecoderLowering.cpp - one advance function per decoder ---------------===//
//
// The blocks of the decoder become blocks of the function, in the same graph. In front of them is a switch on
// `state->resume`: 0 is the start, n the n-th suspension in program order, whose block loads what was kept and goes on
// at the suspension's successor. A suspension writes its request, its live values and n into the state and returns.
//
//===----------------------------------------------------------------------===//

#include "compiler/decoder/Emitter.h"
#include "dialects/quoin/ProgramTensor.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include "runtime/include/quoin/program.h"
#include "llvm/ADT/PostOrderIterator.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::decoder;

namespace {

class AdvanceBuilder {
public:
  AdvanceBuilder(DecoderOp decoder, LLVM::LLVMFuncOp function, ModuleTables &tables,
                 const DecoderLoweringOptions &options, LoweredDecoder &out)
      : decoder(decoder), out(out), e(function, tables, options) {}

  LogicalResult build();

private:
  LogicalResult checkTypes(Operation *op);
  LogicalResult lower(Operation *op);
  LogicalResult describeCache(CacheOp op);
  void lowerAssert(cf::AssertOp op);
  void lowerReturn(ReturnOp op);
  LogicalResult lowerSuspension(Operation *op, OperandRange live, ValueRange results, int32_t status);
  void keep(Value value, int64_t slot);
  void countRound();
  void start();
  void dispatch();

  DecoderOp decoder;
  LoweredDecoder &out;
  Emitter e;
  DenseMap<Block *, Block *> blocks;
  SmallVector<Block *> resumed; ///< the n-th goes on after suspension n
};

} // namespace

//===----------------------------------------------------------------------===//
// Blocks and branches
//===----------------------------------------------------------------------===//

LogicalResult AdvanceBuilder::build() {
  for (const LoweredTensor &t : out.inputs)
    e.inputs.push_back(t.name);
  e.outputs.assign(out.outputs.begin(), out.outputs.end());
  llvm::ReversePostOrderTraversal<Block *> order(&decoder.getBody().front());
  for (Block *block : order) {
    SmallVector<Type> types;
    for (BlockArgument a : block->getArguments()) {
      std::optional<ValueLayout> layout = layoutOf(a.getType());
      if (!layout)
        return decoder.emitOpError("expects values that a decoder may hold, but found one of type ") << a.getType();
      llvm::append_range(types, layout->types);
    }
    Block *made = blocks[block] = e.newBlock(types);
    unsigned next = 0;
    for (BlockArgument a : block->getArguments()) {
      size_t n = layoutOf(a.getType())->types.size();
      e.set(a, ValueRange(made->getArguments()).slice(next, n));
      next += n;
    }
  }
  resumed.push_back(e.newBlock());
  // Every way around a loop leads back to a block that came before.
  DenseSet<Block *> seen, headers;
  for (Block *block : order) {
    seen.insert(block);
    for (Block *next : block->getSuccessors())
      if (seen.contains(next))
        headers.insert(next);
  }
  for (Block *block : order) {
    e.b.setInsertionPointToStart(blocks[block]);
    if (headers.contains(block)) {
      e.b.setLoc(decoder.getLoc());
      countRound();
    }
    for (Operation &op : *block) {
      e.b.setLoc(op.getLoc());
      if (failed(checkTypes(&op)) || failed(lower(&op)))
        return failure();
    }
  }
  e.b.setLoc(decoder.getLoc());
  start();
  dispatch();
  return success();
}

/// Every value has a layout, and every operand is one that was lowered.
LogicalResult AdvanceBuilder::checkTypes(Operation *op) {
  for (Type type : op->getResultTypes())
    if (!layoutOf(type))
      return op->emitOpError("expects results that a decoder may hold, but found one of type ") << type;
  return success();
}

LogicalResult AdvanceBuilder::lower(Operation *op) {
  if (auto branch = dyn_cast<cf::BranchOp>(op)) {
    LLVM::BrOp::create(e.b, e.flat(branch.getDestOperands()), blocks[branch.getDest()]);
    return success();
  }
  if (auto branch = dyn_cast<cf::CondBranchOp>(op)) {
    LLVM::CondBrOp::create(e.b, e.get(branch.getCondition()), blocks[branch.getTrueDest()],
                           e.flat(branch.getTrueDestOperands()), blocks[branch.getFalseDest()],
                           e.flat(branch.getFalseDestOperands()));
    return success();
  }
  if (auto choice = dyn_cast<cf::SwitchOp>(op)) {
    SmallVector<APInt> cases;
    if (choice.getCaseValues())
      llvm::append_range(cases, choice.getCaseValues()->getValues<APInt>());
    SmallVector<Block *> targets;
    SmallVector<SmallVector<Value>> operands;
    for (auto [i, target] : llvm::enumerate(choice.getCaseDestinations())) {
      targets.push_back(blocks[target]);
      operands.push_back(e.flat(choice.getCaseOperands(static_cast<unsigned>(i))));
    }
    SmallVector<ValueRange> ranges(operands.begin(), operands.end());
    LLVM::SwitchOp::create(e.b, e.get(choice.getFlag()), blocks[choice.getDefaultDestination()],
                           e.flat(choice.getDefaultOperands()), cases, targets, ranges);
    return success();
  }
  if (auto check = dyn_cast<cf::AssertOp>(op))
    return lowerAssert(check), success();
  if (auto done = dyn_cast<ReturnOp>(op))
    return lowerReturn(done), success();
  if (auto forward = dyn_cast<SuspendForwardOp>(op)) {
    if (failed(writeForward(e, forward)))
      return failure();
    auto n = static_cast<size_t>(forward.getGives().value_or(1));
    return lowerSuspension(op, forward.getLive(), forward.getResume()->getArguments().take_front(n), QUOIN_FORWARD);
  }
  if (auto score = dyn_cast<SuspendScoreOp>(op)) {
    if (failed(writeScore(e, score)))
      return failure();
    size_t n = score.getStatistics().getStatistics().size();
    return lowerSuspension(op, score.getLive(), score.getResume()->getArguments().take_front(n), QUOIN_SCORE);
  }
  if (auto scores = dyn_cast<SuspendScoresOp>(op)) {
    writeScores(e, scores);
    return lowerSuspension(op, scores.getLive(),
                           scores.getResume()->getArguments().take_front(scores.getCounts() ? 2 : 1), QUOIN_SCORE);
  }
  if (auto apply = dyn_cast<SuspendApplyOp>(op)) {
    if (failed(writeApply(e, apply)))
      return failure();
    auto n = static_cast<size_t>(apply.getCount());
    return lowerSuspension(op, apply.getLive(), apply.getResume()->getArguments().take_front(n), QUOIN_APPLY);
  }
  if (auto cache = dyn_cast<CacheOp>(op))
    if (failed(describeCache(cache)))
      return failure();
  for (auto *group : {lowerSequenceOp, lowerVectorOp, lowerTensorOp, lowerScalarOp, lowerLogitsOp, lowerNamedOp})
    if (std::optional<LogicalResult> result = group(e, op))
      return *result;
  if (isa<ForwardOp, ForwardCachedOp, ScoreOp, DrawResidualOp, MaterializeOp, LikeliestOp, ApplyOp>(op) ||
      op->getNumRegions() != 0)
    return op->emitOpError("expects outlined steps; 'quoin-outline-steps' makes them");
  return op->emitOpError("expects an operation that decoders may use, but this one has no lowering");
}

LogicalResult AdvanceBuilder::describeCache(CacheOp op) {
  constexpr int64_t most = 1 << 16;
  int64_t number = op.getNumber();
  if (number < 0 || number >= most)
    return op.emitOpError("expects a number below ") << most << ", but found " << number;
  FailureOr<int64_t> model = e.model(op, op.getModelAttr());
  if (failed(model))
    return failure();
  if (number >= static_cast<int64_t>(out.caches.size()))
    out.caches.resize(static_cast<size_t>(number) + 1);
  out.caches[static_cast<size_t>(number)] = {static_cast<int32_t>(*model), op.getShared(), op.getTokenless()};
  return success();
}

/// Numbers that the message may name as {0} and {1} are those that the condition compares.
void AdvanceBuilder::lowerAssert(cf::AssertOp op) {
  Value first = e.constant(0), second = first;
  if (auto compared = op.getArg().getDefiningOp<arith::CmpIOp>())
    if (scalarType(compared.getLhs().getType()))
      first = e.get(compared.getLhs()), second = e.get(compared.getRhs());
  e.require(e.get(op.getArg()), op.getMsg(), first, second);
}

void AdvanceBuilder::lowerReturn(ReturnOp op) {
  Value sequence = e.get(op.getSequence()), from = e.get(op.getFrom()), to = e.get(op.getTo());
  Value length = e.load(e.i64, sequence, offsetof(quoin_sequence_t, length));
  using Pred = LLVM::ICmpPredicate;
  e.require(e.compare(Pred::ule, to, length), "quoin.return expects an end in [0, {1}], but found {0}", to, length);
  e.require(e.compare(Pred::ule, from, to), "quoin.return expects a start in [0, {1}], but found {0}", from, to);
  e.store(sequence, e.state, offsetof(quoin_state_t, result));
  e.store(from, e.state, offsetof(quoin_state_t, result_from));
  e.store(to, e.state, offsetof(quoin_state_t, result_to));
  e.returnStatus(QUOIN_DONE);
}

//===----------------------------------------------------------------------===//
// Suspending and going on
//===----------------------------------------------------------------------===//

void AdvanceBuilder::keep(Value value, int64_t slot) {
  ValueLayout layout = *layoutOf(value.getType());
  Value first = e.get(value);
  Type type = first.getType();
  if (type == e.f32)
    first = LLVM::FPExtOp::create(e.b, e.f64, first);
  else if (type == e.i1)
    first = LLVM::ZExtOp::create(e.b, e.i64, first);
  else if (type == e.i32 || type == e.i8)
    first = LLVM::SExtOp::create(e.b, e.i64, first);
  Value frame = e.load(e.pointer, e.state, offsetof(quoin_state_t, frame));
  int64_t place = slot * static_cast<int64_t>(sizeof(quoin_value_t));
  e.store(first, frame, place + static_cast<int64_t>(offsetof(quoin_value_t, u)));
  Value size = layout.element ? e.tensor(value).size : e.constant(0);
  e.store(size, frame, place + static_cast<int64_t>(offsetof(quoin_value_t, size)));
  Value kinds = e.load(e.pointer, e.state, offsetof(quoin_state_t, kinds));
  e.store(e.integer(e.i8, layout.kind), kinds, slot);
}

/// The parts of a kept value, for a block argument of its type.
static SmallVector<Value> loadKept(Emitter &e, Type type, int64_t slot) {
  ValueLayout layout = *layoutOf(type);
  Value frame = e.load(e.pointer, e.state, offsetof(quoin_state_t, frame));
  Value place = e.at(frame, slot * static_cast<int64_t>(sizeof(quoin_value_t)));
  constexpr int64_t at = offsetof(quoin_value_t, u);
  Type first = layout.types[0];
  if (layout.element)
    return {e.load(e.pointer, place, at), e.load(e.i64, place, offsetof(quoin_value_t, size))};
  if (first == e.f32)
    return {LLVM::FPTruncOp::create(e.b, e.f32, e.load(e.f64, place, at))};
  if (first == e.i1 || first == e.i8 || first == e.i32)
    return {LLVM::TruncOp::create(e.b, first, e.load(e.i64, place, at))};
  return {e.load(first, place, at)};
}

LogicalResult AdvanceBuilder::lowerSuspension(Operation *op, OperandRange live, ValueRange results, int32_t status) {
  for (auto [slot, value] : llvm::enumerate(live))
    keep(value, static_cast<int64_t>(slot));
  out.frameSlots = std::max(out.frameSlots, static_cast<int32_t>(live.size()));
  e.store(e.constant(static_cast<int64_t>(live.size())), e.state, offsetof(quoin_state_t, frame_used));
  e.store(e.constant(static_cast<int64_t>(resumed.size())), e.state, offsetof(quoin_state_t, resume));
  e.returnStatus(status);

  resumed.push_back(e.newBlock());
  e.b.setInsertionPointToStart(resumed.back());
  SmallVector<Value> arguments;
  for (auto [i, result] : llvm::enumerate(results)) {
    if (isa<LogitsType>(result.getType())) {
      arguments.push_back(e.load(e.pointer, e.state, offsetof(quoin_state_t, logits)));
      continue;
    }
    const int64_t at = status == QUOIN_APPLY   ? offsetof(quoin_state_t, apply) + offsetof(quoin_apply_t, result)
                       : status == QUOIN_SCORE ? offsetof(quoin_state_t, score) + offsetof(quoin_score_t, result)
                                               : offsetof(quoin_state_t, forward) + offsetof(quoin_forward_t, result);
    // Results of a call are counted without its logits.
    size_t number = status == QUOIN_FORWARD && isa<LogitsType>(results[0].getType()) ? i - 1 : i;
    TensorParts t = e.loadTensor(layoutOf(result.getType())->element, e.state,
                                 at + static_cast<int64_t>(number * sizeof(quoin_tensor_t)));
    llvm::append_values(arguments, t.data, t.size);
  }
  for (auto [slot, value] : llvm::enumerate(live))
    llvm::append_range(arguments, loadKept(e, value.getType(), static_cast<int64_t>(slot)));
  LLVM::BrOp::create(e.b, arguments, blocks[op->getSuccessor(0)]);
  return success();
}

/// Nothing is said where the rounds are used up: the host knows that from the number.
void AdvanceBuilder::countRound() {
  constexpr int64_t at = offsetof(quoin_state_t, rounds);
  Value left = e.sub(e.load(e.i64, e.state, at), e.constant(1));
  e.store(left, e.state, at);
  Block *good = e.newBlock(), *bad = e.newBlock();
  LLVM::CondBrOp::create(e.b, e.compare(LLVM::ICmpPredicate::sge, left, e.constant(0)), good, bad);
  e.b.setInsertionPointToStart(bad);
  e.returnStatus(QUOIN_FAILED);
  e.b.setInsertionPointToStart(good);
}

void AdvanceBuilder::start() {
  e.b.setInsertionPointToStart(resumed.front());
  SmallVector<Value> arguments;
  for (auto [slot, argument] : llvm::enumerate(decoder.getBody().getArguments()))
    llvm::append_range(arguments, loadKept(e, argument.getType(), static_cast<int64_t>(slot)));
  LLVM::BrOp::create(e.b, arguments, blocks[&decoder.getBody().front()]);
}

void AdvanceBuilder::dispatch() {
  e.b.setInsertionPointToEnd(e.entry());
  Value resume = e.load(e.i64, e.state, offsetof(quoin_state_t, resume));
  Value limit = e.constant(static_cast<int64_t>(resumed.size()));
  e.require(e.compare(LLVM::ICmpPredicate::ult, resume, limit),
            "advance expects a point below {1} where it suspended, but found {0}", resume, limit);
  SmallVector<APInt> cases;
  for (size_t i = 1; i < resumed.size(); ++i)
    cases.push_back(APInt(64, i));
  SmallVector<ValueRange> none(cases.size());
  LLVM::SwitchOp::create(e.b, resume, resumed.front(), ValueRange(), cases, ArrayRef(resumed).drop_front(), none);
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

/// Those that the program reads, in its order, then those that its text was made with: hosts are told the value of
/// both.
static std::vector<LoweredSetting> describeSettings(DecoderOp decoder) {
  std::vector<LoweredSetting> all;
  auto add = [&](NamedAttribute s, bool runTime) {
    LoweredSetting one;
    one.name = s.getName().str();
    one.runTime = runTime;
    if (auto real = dyn_cast<FloatAttr>(s.getValue())) {
      one.type = QUOIN_SETTING_REAL;
      one.value = real.getValueAsDouble();
    } else if (auto integer = dyn_cast<IntegerAttr>(s.getValue())) {
      one.type = QUOIN_SETTING_INDEX;
      one.value = static_cast<double>(integer.getInt());
    } else if (auto word = dyn_cast<WordAttr>(s.getValue())) {
      one.type = QUOIN_SETTING_WORD;
      auto [which, number] = *word.find(word.getValue());
      one.value = static_cast<double>(which);
      one.number = number;
      one.word = word.getValue().str();
      for (StringAttr each : word.getWords())
        one.words.push_back(each.str());
    } else {
      return;
    }
    all.push_back(std::move(one));
  };
  for (NamedAttribute s : decoder.getSettings())
    add(s, isRunTimeSetting(decoder, s.getName()));
  if (auto fixed = decoder->getAttrOfType<DictionaryAttr>("fixed"))
    for (NamedAttribute s : fixed)
      if (!decoder.getSettings().contains(s.getName()))
        add(s, /*runTime=*/false);
  return all;
}

static LoweredTensor describeTensor(StringRef name, Type type, ArrayRef<int64_t> sizes) {
  Type element = getElementTypeOrSelf(type);
  int32_t dtype = element.isF32() ? QUOIN_DTYPE_F32 : element.isIndex() ? QUOIN_DTYPE_I64 : QUOIN_DTYPE_I32;
  return {name.str(), dtype, sizes.vec(), false};
}

/// All inputs of the module, and the outputs of the decoder in the order in which they first stand there, each shape of
/// a name.
static void describeNamed(DecoderOp decoder, LoweredDecoder &out) {
  for (auto input : decoder->getParentOfType<ModuleOp>().getOps<InputOp>()) {
    ProgramTensor form = *programTensor(input.getType());
    SmallVector<int64_t> sizes;
    if (form.rank > 0)
      sizes.push_back(form.rows);
    if (form.rank > 1)
      sizes.push_back(form.width);
    out.inputs.push_back(describeTensor(input.getSymName(), input.getType(), sizes));
    out.inputs.back().optional = input.getOptional();
  }
  decoder.getBody().walk([&](OutputOp output) {
    if (llvm::none_of(out.outputs, [&](const LoweredTensor &t) { return isOutput(t, output); }))
      out.outputs.push_back(describeTensor(output.getName(), output.getValue().getType(), output.getSizes()));
  });
}

LogicalResult quoin::decoder::lowerDecoders(ModuleOp module, const DecoderLoweringOptions &options,
                                            LoweredDecoders &out) {
  MLIRContext *context = module.getContext();
  context->loadDialect<LLVM::LLVMDialect, arith::ArithDialect, math::MathDialect, vector::VectorDialect>();
  ModuleTables tables(module, out.masks);
  bool exact = !module->hasAttr(module_attr::inexact);
  SmallVector<DecoderOp> decoders(module.getOps<DecoderOp>());
  for (DecoderOp decoder : decoders) {
    LoweredDecoder described;
    described.name = decoder.getSymName().str();
    described.function = "advance." + described.name;
    described.settings = describeSettings(decoder);
    describeNamed(decoder, described);
    described.exact = exact && !decoder->hasAttr(module_attr::inexact);
    OpBuilder b(decoder);
    auto type = LLVM::LLVMFunctionType::get(b.getI32Type(), {LLVM::LLVMPointerType::get(context)});
    auto function = LLVM::LLVMFuncOp::create(b, decoder.getLoc(), described.function, type);
    AdvanceBuilder builder(decoder, function, tables, options, described);
    if (failed(builder.build()) || failed(finishScalars(function)) || failed(verify(function))) {
      function.erase();
      return failure();
    }
    decoder.erase();
    out.decoders.push_back(std::move(described));
  }
  return success();
}
