//===- SuspendLowering.cpp - what a decoder asks for when it suspends -------===//

#include "compiler/decoder/Emitter.h"
#include "dialects/quoin/DraftModel.h"
#include "runtime/include/quoin/program.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::decoder;

static constexpr int64_t forwardAt = offsetof(quoin_state_t, forward), scoreAt = offsetof(quoin_state_t, score);

/// Writes a tensor of the decoder, or an empty one for a value that is not given.
static void writeTensor(Emitter &e, Value value, Type element, int64_t offset) {
  e.storeTensor(value ? e.tensor(value) : e.emptyTensor(element), e.state, offset);
}

void quoin::decoder::writeForwardSlots(Emitter &e, Value sequence, Value to, Value ids, Value positions, Value labels,
                                       ValueRange columns, Value read) {
  auto field = [](size_t offset) { return forwardAt + static_cast<int64_t>(offset); };
  if (ids && positions)
    e.requireEqual(e.tensor(ids).size, e.tensor(positions).size, "quoin.forward", "positions of 'then' rows");
  if (ids && labels)
    e.requireEqual(e.tensor(ids).size, e.tensor(labels).size, "quoin.forward", "labels of 'then' rows");
  e.store(e.get(sequence), e.state, field(offsetof(quoin_forward_t, sequence)));
  e.store(e.get(to), e.state, field(offsetof(quoin_forward_t, length)));
  writeTensor(e, ids, e.i32, field(offsetof(quoin_forward_t, then_ids)));
  writeTensor(e, positions, e.i64, field(offsetof(quoin_forward_t, then_positions)));
  writeTensor(e, labels, e.i64, field(offsetof(quoin_forward_t, then_labels)));
  writeTensor(e, read, e.i64, field(offsetof(quoin_forward_t, read)));
  for (auto [i, column] : llvm::enumerate(columns))
    writeTensor(e, column, {}, field(offsetof(quoin_forward_t, operand) + i * sizeof(quoin_tensor_t)));
}

LogicalResult quoin::decoder::writeForward(Emitter &e, SuspendForwardOp op) {
  auto write = [&](Value value, size_t offset) { e.store(value, e.state, forwardAt + static_cast<int64_t>(offset)); };
  if (op.getSymbols().size() > QUOIN_MAX_SYMBOLS)
    return op.emitOpError("expects at most ")
           << QUOIN_MAX_SYMBOLS << " symbols of a mask, but found " << op.getSymbols().size();
  FailureOr<int64_t> model = e.model(op, op.getModelAttr());
  if (failed(model))
    return failure();
  write(e.constant(*model), offsetof(quoin_forward_t, model));
  writeForwardSlots(e, op.getSequence(), op.getTo(), op.getIds(), op.getPositions(), op.getLabels(), op.getColumns(),
                    op.getRead());
  bool cached = static_cast<bool>(op.getCache());
  write(cached ? e.get(op.getFrom()) : e.constant(0), offsetof(quoin_forward_t, from));
  write(cached ? e.get(op.getKeep()) : e.constant(0), offsetof(quoin_forward_t, keep));
  write(cached ? e.get(op.getCache()) : e.constant(-1), offsetof(quoin_forward_t, cache));
  write(e.constant(e.tables.mask(op.getMaskAttr())), offsetof(quoin_forward_t, mask));
  const int counted = callsDraft(op, op.getModelAttr()) ? QUOIN_EVALUATION_DRAFT : QUOIN_EVALUATION_OWN;
  write(e.constant(op.getPass() ? QUOIN_EVALUATION_NONE : counted), offsetof(quoin_forward_t, evaluation));
  for (size_t i = 0; i < QUOIN_MAX_SYMBOLS; ++i)
    write(i < op.getSymbols().size() ? e.get(op.getSymbols()[i]) : e.constant(0),
          offsetof(quoin_forward_t, symbols) + i * sizeof(int64_t));
  return success();
}

LogicalResult quoin::decoder::writeApply(Emitter &e, SuspendApplyOp op) {
  constexpr int64_t applyAt = offsetof(quoin_state_t, apply);
  FailureOr<int64_t> model = e.model(op, op.getModelAttr());
  if (failed(model))
    return failure();
  e.store(e.constant(*model), e.state, applyAt + static_cast<int64_t>(offsetof(quoin_apply_t, model)));
  Value rows;
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    TensorParts t = e.tensor(input);
    Value width = e.constant(cast<RankedTensorType>(input.getType()).getDimSize(1));
    Value mine = LLVM::UDivOp::create(e.b, t.size, width);
    if (rows)
      e.requireEqual(rows, mine, "quoin.apply", "rows");
    else
      rows = mine;
    e.storeTensor(t, e.state,
                  applyAt + static_cast<int64_t>(offsetof(quoin_apply_t, operand) + i * sizeof(quoin_tensor_t)));
  }
  return success();
}

static_assert(static_cast<int>(Statistic::Token) == QUOIN_STAT_TOKEN &&
                  static_cast<int>(Statistic::FilteredMass) == QUOIN_STAT_FILTERED_MASS &&
                  static_cast<int>(Transform::Temperature) == QUOIN_TRANSFORM_TEMPERATURE &&
                  static_cast<int>(Transform::FilteredConfidence) == QUOIN_TRANSFORM_FILTERED_CONFIDENCE,
              "the dialect's numbers are the ABI's");

LogicalResult quoin::decoder::writeScore(Emitter &e, SuspendScoreOp op) {
  auto write = [&](Value value, size_t offset) { e.store(value, e.state, scoreAt + static_cast<int64_t>(offset)); };
  ArrayRef<Statistic> statistics = op.getStatistics().getStatistics();
  ArrayRef<Transform> transforms;
  if (SamplerAttr sampler = op.getSamplerAttr())
    transforms = sampler.getTransforms();
  if (transforms.size() > sizeof(quoin_score_t::transform))
    return op.emitOpError("expects at most ")
           << sizeof(quoin_score_t::transform) << " transforms of a sampler, but found " << transforms.size();
  bool draws = op.getSamplerAttr() || op.getMinus();
  if (draws && (!op.getPositions() || !op.getEvaluation()))
    return op.emitOpError("expects a draw to come with positions and an evaluation");

  Value logits = e.get(op.getLogits());
  Value rows = e.load(e.i64, logits, offsetof(quoin_logits_t, rows));
  StringRef name = op.getMinus() ? "quoin.draw_residual" : "quoin.score";
  if (op.getMinus())
    e.requireEqual(rows, e.load(e.i64, e.get(op.getMinus()), offsetof(quoin_logits_t, rows)), name, "rows to subtract");
  if (op.getOf())
    e.requireEqual(rows, e.tensor(op.getOf()).size, name, "tokens, one a row");
  if (draws)
    e.requireEqual(rows, e.tensor(op.getPositions()).size, name, "positions, one a row");

  write(e.constant(op.getMinus() ? QUOIN_HEAD_RESIDUAL : QUOIN_HEAD_SCORE), offsetof(quoin_score_t, kind));
  write(logits, offsetof(quoin_score_t, logits));
  write(op.getMinus() ? e.get(op.getMinus()) : e.null(), offsetof(quoin_score_t, minus));
  writeTensor(e, op.getOf(), e.i32, scoreAt + static_cast<int64_t>(offsetof(quoin_score_t, of)));
  writeTensor(e, draws ? op.getPositions() : Value(), e.i64,
              scoreAt + static_cast<int64_t>(offsetof(quoin_score_t, positions)));
  write(draws ? e.get(op.getEvaluation()) : e.constant(0), offsetof(quoin_score_t, evaluation));
  write(e.integer(e.i32, static_cast<int64_t>(statistics.size())), offsetof(quoin_score_t, statistics));
  for (auto [i, s] : llvm::enumerate(statistics))
    write(e.integer(e.i8, static_cast<int64_t>(s)), offsetof(quoin_score_t, statistic) + i);
  write(e.integer(e.i32, static_cast<int64_t>(transforms.size())), offsetof(quoin_score_t, transforms));
  for (auto [i, t] : llvm::enumerate(transforms))
    write(e.integer(e.i8, static_cast<int64_t>(t)), offsetof(quoin_score_t, transform) + i);
  return success();
}

void quoin::decoder::writeScores(Emitter &e, SuspendScoresOp op) {
  auto write = [&](Value value, size_t offset) { e.store(value, e.state, scoreAt + static_cast<int64_t>(offset)); };
  Value logits = e.get(op.getLogits()), counts = op.getCounts();
  if (counts)
    e.requireEqual(e.load(e.i64, logits, offsetof(quoin_logits_t, rows)), e.tensor(counts).size, "quoin.likeliest",
                   "numbers of tokens, one a row");
  int64_t width = counts ? 0 : cast<RankedTensorType>(op.getResume()->getArgument(0).getType()).getDimSize(1);
  write(e.constant(counts ? QUOIN_HEAD_LIKELIEST : QUOIN_HEAD_MATERIALIZE), offsetof(quoin_score_t, kind));
  write(logits, offsetof(quoin_score_t, logits));
  write(e.null(), offsetof(quoin_score_t, minus));
  write(e.constant(width), offsetof(quoin_score_t, width));
  writeTensor(e, counts, e.i64, scoreAt + static_cast<int64_t>(offsetof(quoin_score_t, counts)));
  for (size_t none : {offsetof(quoin_score_t, of), offsetof(quoin_score_t, positions)})
    writeTensor(e, Value(), e.i64, scoreAt + static_cast<int64_t>(none));
  for (size_t none : {offsetof(quoin_score_t, statistics), offsetof(quoin_score_t, transforms)})
    write(e.integer(e.i32, 0), none);
}
