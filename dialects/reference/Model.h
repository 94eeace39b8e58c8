//===- Model.h - a model in float64 ----------------------------------------===//
//
// A call of a model has slots: tokens, each with a position, an open bit and a label. The model's body turns every slot
// into a hidden row; rows meet in attention, where the mask of the call says which, and in scans along the slots.
//
// Stateless, all slots run. With a cache, slots below `from` do not: their keys and values, at every attention of the
// body, are those of an earlier call, and only the rows from `from` on are computed. They see the same numbers, so if
// the cache holds what a stateless call would have computed, the results are equal; if a pass kept too much, they are
// not, and a test that compares the two finds out.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_MODEL_H
#define QUOIN_DIALECTS_REFERENCE_MODEL_H

#include "dialects/reference/Weights.h"
#include <unordered_map>

namespace quoin::ref {

struct HashOfValue {
  size_t operator()(mlir::Value v) const { return mlir::hash_value(v); }
};
/// Rows by value. They stay where they are when others are added, so an op may hold its operands while it makes
/// results.
using ValueMatrices = std::unordered_map<mlir::Value, Matrix, HashOfValue>;

/// A token of a call.
struct Slot {
  int32_t token = 0;
  int64_t position = 0;
  bool open = false;
  int64_t label = 0;
  /// Of a call of a model that takes columns: its rows of them, one behind the other.
  std::vector<double> columns = {};
  /// `quoin.append` said where it stands; else its position is its place in the sequence.
  bool placed = false;
  bool operator==(const Slot &o) const { return isAs(o, false); }
  /// With `tokenless` tokens and open bits do not count.
  bool isAs(const Slot &o, bool tokenless) const {
    return (tokenless || (token == o.token && open == o.open)) && position == o.position && label == o.label &&
           columns == o.columns;
  }
};

struct ModelCall {
  std::vector<Slot> slots;
  /// Slots below do not run.
  int64_t from = 0;
  /// Slots whose hidden rows are wanted, each at or above `from`.
  std::vector<int64_t> read;
  BlockMask mask;
  std::vector<int64_t> symbols;
  /// The model's columns, in its order: a row for each slot, or one for all of them.
  std::vector<Matrix> columns;
};

/// Leading slots of earlier calls with their keys and values, one pair of matrices per attention of the body, and the
/// states behind each of them, one matrix per scan.
struct KeyValueCache {
  std::vector<Slot> slots;
  std::vector<Matrix> keys, values, states;
  /// Columns that held for all of them.
  std::vector<double> once;
  /// Forgets all slots but the first `count`.
  void truncate(int64_t count);
};

/// Runs a model: a `quoin.model` or the `stage.step` that it became. The result has one row per slot read. `cache` may
/// be null; otherwise it afterwards holds all slots of the call. Errors are on ops of the body.
/// `results`, if given, become what the model gives besides its hidden rows, which have no numbers without a head.
mlir::FailureOr<Matrix> runModel(mlir::Operation *model, const Weights &weights, const ModelCall &call,
                                 KeyValueCache *cache, std::vector<Matrix> *results = nullptr);

/// Widths of the columns that a model of tokens takes, and which of them are one row for all slots.
std::vector<std::pair<int64_t, bool>> columnsOf(mlir::Operation *model);
/// The columns' rows that run: of a column of all slots its row.
Matrix rowsThatRun(const Matrix &column, bool once, const ModelCall &call);

/// The step's part of it: the cache holds keys and values of the slots below `from`, and afterwards those of all.
mlir::FailureOr<Matrix> runStep(mlir::Operation *step, const Weights &weights, const ModelCall &call,
                                KeyValueCache &cache, std::vector<Matrix> &results);

/// What scores a model's hidden rows; nothing of a model without a head.
Head headOf(mlir::Operation *model, const Weights &weights);

/// Runs a model without a head on rows: as many in each matrix, one matrix a result.
mlir::FailureOr<std::vector<Matrix>> applyModel(mlir::Operation *model, const Weights &weights,
                                                const std::vector<Matrix> &inputs);
/// As `applyModel`, of a step, for a call of that many slots.
mlir::FailureOr<std::vector<Matrix>> applyStep(mlir::Operation *step, const Weights &weights, const ModelCall &call,
                                               const std::vector<Matrix> &inputs);

/// The rows that a weight's formula on rows makes of the weights that it reads, which are there.
mlir::FailureOr<Matrix> evaluateRowsFormula(WeightOp weight, const Weights &weights);

/// Scores of the vocabulary for hidden rows: one row each.
Matrix scoreVocabulary(const Head &head, const Matrix &hidden);

} // namespace quoin::ref

#endif
