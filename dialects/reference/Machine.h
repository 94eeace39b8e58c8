//===- Machine.h - one request being run -----------------------------------===//
//
// Internal to the interpreter. A machine walks the decoder's region:
//
//   1. A block's ops are evaluated in order; each reads the data of its operands and stores those of its results.
//   2. Structured ops run their regions again and again; a region's result is the operands of its terminator.
//   3. A terminator with successors goes on in one of them, so that graphs of blocks run by the same loop. Those
//      that suspend do what they wait for, and go on.
//
// Ops are evaluated by groups, a file each. A group answers `std::nullopt` for ops that are not its own.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_MACHINE_H
#define QUOIN_DIALECTS_REFERENCE_MACHINE_H

#include "dialects/reference/Datum.h"
#include "dialects/reference/Program.h"
#include "dialects/reference/Sampling.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "llvm/ADT/DenseMap.h"

namespace quoin::ref {

class Machine {
public:
  Machine(const Program &program, DecoderOp decoder, const Request &request)
      : program(program), decoder(decoder), request(request) {}

  /// The request must have been checked.
  mlir::FailureOr<Result> run();

private:
  using Answer = std::optional<mlir::LogicalResult>;
  using Data = llvm::SmallVector<Datum, 4>;

  // Control flow: Machine.cpp.
  mlir::FailureOr<Data> runRegion(mlir::Region &region, Data arguments);
  /// The block that follows and its arguments, or null if the terminator ends the region.
  mlir::FailureOr<mlir::Block *> runTerminator(mlir::Operation *op, Data &arguments);
  mlir::LogicalResult evaluate(mlir::Operation *op);
  Answer evaluateControl(mlir::Operation *op);
  mlir::LogicalResult loop(mlir::Operation *op);
  std::string assertionText(mlir::cf::AssertOp check);

  // Elements and tensors: TensorOps.cpp.
  Answer evaluateTensor(mlir::Operation *op);
  Answer evaluateElementwise(mlir::Operation *op);
  mlir::LogicalResult constant(mlir::Operation *op, mlir::TypedAttr value);
  mlir::LogicalResult select(mlir::Operation *op);

  // Inputs and outputs: NamedValues.cpp.
  Answer evaluateNamed(mlir::Operation *op);
  mlir::LogicalResult input(InputValueOp op);
  mlir::LogicalResult output(OutputOp op);

  // Sequences and vectors of their rows: SequenceOps.cpp.
  Answer evaluateSequence(mlir::Operation *op);
  mlir::LogicalResult write(mlir::Operation *op, bool open);
  mlir::LogicalResult lengthen(mlir::Operation *op);
  mlir::LogicalResult commit(CommitOp op);
  mlir::LogicalResult permuteTokens(PermuteTokensOp op);
  mlir::LogicalResult denoise(DenoiseOp op);
  mlir::LogicalResult top(TopOp op);
  mlir::LogicalResult insert(InsertOp op);
  mlir::LogicalResult relabel(RelabelOp op);

  // Vectors: VectorOps.cpp.
  Answer evaluateVector(mlir::Operation *op);

  // Calls of models and their scores: CallOps.cpp, ScoreOps.cpp.
  Answer evaluateCall(mlir::Operation *op);
  struct CallOperands;
  template <typename Op> CallOperands callOperands(Op op);
  mlir::FailureOr<Data> call(mlir::Operation *op, const CallOperands &operands);
  mlir::FailureOr<std::vector<Matrix>> columns(mlir::Operation *op, const CallOperands &operands,
                                               std::vector<Slot> &slots, std::vector<double> &once);
  mlir::LogicalResult reuse(ReuseOp op);
  mlir::FailureOr<std::vector<Slot>> slotsOf(mlir::Operation *op, const CallOperands &operands);
  void countForward(int64_t from, int64_t slots);
  Answer evaluateScore(mlir::Operation *op);
  mlir::FailureOr<Data> score(mlir::Operation *op, const Logits &logits, llvm::ArrayRef<Statistic> statistics,
                              mlir::Value of, SamplerAttr sampler, mlir::Value positions, mlir::Value evaluation);
  mlir::FailureOr<Datum> residual(mlir::Operation *op, const Logits &logits, const Logits &minus, mlir::Value positions,
                                  mlir::Value evaluation);
  mlir::FailureOr<Data> apply(mlir::Operation *op, mlir::FlatSymbolRefAttr model, mlir::ValueRange inputs);
  mlir::FailureOr<Data> suspendedForward(SuspendForwardOp op);
  mlir::FailureOr<Data> suspendedScore(SuspendScoreOp op);
  mlir::FailureOr<Data> suspendedScores(SuspendScoresOp op);
  mlir::FailureOr<Datum> materialize(mlir::Operation *op, const Logits &logits, mlir::Type type);
  mlir::FailureOr<Data> likeliest(mlir::Operation *op, const Logits &logits, mlir::Value counts);
  /// Of the token that a row of logits was read at; where the program made them, that of the last call's row.
  int64_t positionOf(const Logits &logits, size_t row) const;
  /// Lets the request change rows [first, ..) of scores.
  void edit(const Logits &logits, Matrix &scores, int64_t first, const Tensor *positions) const;
  mlir::LogicalResult guide(GuideOp op);
  mlir::LogicalResult adjust(AdjustOp op);
  mlir::LogicalResult rows(RowsOp op);
  mlir::LogicalResult asLogits(AsLogitsOp op);

  // Settings.
  mlir::LogicalResult setting(SettingOp op);
  /// A number that the request or the decoder gives, else `otherwise`.
  double numberOf(llvm::StringRef name, double otherwise);
  SamplerNumbers samplerNumbers();
  llvm::ArrayRef<int32_t> stops() const {
    return request.stop ? llvm::ArrayRef<int32_t>(*request.stop) : program.stop();
  }

  // Data of values, whose kinds the verifier has checked.
  const Datum &get(mlir::Value v) const { return values.find(v)->second; }
  Number number(mlir::Value v) const { return std::get<Number>(get(v)); }
  int64_t integer(mlir::Value v) const { return number(v).integer; }
  const Tensor &tensor(mlir::Value v) const { return *std::get<std::shared_ptr<const Tensor>>(get(v)); }
  const Sequence &sequence(mlir::Value v) const { return *std::get<std::shared_ptr<const Sequence>>(get(v)); }
  const Logits &logits(mlir::Value v) const { return *std::get<std::shared_ptr<const Logits>>(get(v)); }
  void set(mlir::Value v, Datum d) { values[v] = std::move(d); }
  mlir::LogicalResult setTensor(mlir::Operation *op, Tensor tensor);
  mlir::LogicalResult setInteger(mlir::Operation *op, int64_t value);

  // Errors that several ops can make.
  mlir::LogicalResult expectDefined(mlir::Operation *op, mlir::ValueRange operands);
  /// Once more around a loop.
  mlir::LogicalResult countRound(mlir::Operation *loop);
  static mlir::LogicalResult expectRange(mlir::Operation *op, int64_t from, int64_t to, int64_t length);
  static mlir::LogicalResult expectSize(mlir::Operation *op, int64_t size);
  /// A tensor of so many rows, each `width` wide.
  static mlir::LogicalResult expectRows(mlir::Operation *op, int64_t rows, int64_t width);
  /// Room for so many positions, and `more` if there are any.
  mlir::LogicalResult expectRoom(mlir::Operation *op, uint64_t length, uint64_t more = 0) const;
  mlir::LogicalResult expectToken(mlir::Operation *op, int64_t token) const;
  static mlir::LogicalResult expectLabel(mlir::Operation *op, int64_t label);
  static mlir::LogicalResult expectEqual(mlir::Operation *op, llvm::StringRef what, size_t expected, size_t found);

  const Program &program;
  DecoderOp decoder;
  const Request &request;
  llvm::DenseMap<mlir::Value, Datum> values; // of the innermost function
  std::map<int64_t, KeyValueCache> caches;
  std::map<std::string, NamedValues> outputs;
  Trace trace;
  std::vector<int64_t> readPositions;       ///< of the last call
  std::shared_ptr<const Sequence> lastText; ///< likewise
  int64_t evaluations = 0, draftEvaluations = 0, forwards = 0, prefillTokens = 0;
  int64_t rounds = 0; // of loops since the model ran
  int depth = 0;      // of func.call
};

} // namespace quoin::ref

#endif
