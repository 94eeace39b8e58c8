//===- ScoreOps.cpp - from logits to tokens and statistics -----------------===//

#include "dialects/quoin/RowSpaces.h"
#include "dialects/reference/Machine.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

Matrix Logits::scores(int64_t from, int64_t count) const {
  Matrix some(count, hidden.columns);
  std::copy_n(hidden.row(from), count * hidden.columns, some.numbers.begin());
  Matrix result = head.weight ? scoreVocabulary(head, some) : std::move(some);
  if (unconditional) {
    Matrix other = unconditional->scores(from, count);
    for (auto [c, u] : llvm::zip_equal(result.numbers, other.numbers))
      c = u + (guidance + 1) * (c - u);
  }
  for (const Adjustment &a : adjustments)
    for (int64_t row = a.row < 0 ? 0 : a.row - from, end = a.row < 0 ? count : row + 1; row < end; ++row)
      if (row >= 0 && row < count)
        result.row(row)[a.token] += a.amount;
  return result;
}

int64_t Machine::positionOf(const Logits &l, size_t row) const {
  const std::vector<int64_t> &all = l.model < 0 ? readPositions : l.positions;
  return row < all.size() ? all[row] : -1;
}

void Machine::edit(const Logits &l, Matrix &scores, int64_t first, const Tensor *positions) const {
  static const Sequence nothing;
  const Sequence *text = (l.model < 0 ? lastText : l.text).get();
  for (int64_t r = 0; request.edit && r < scores.rows; ++r) {
    auto row = static_cast<size_t>(first + r);
    int64_t position = positions ? (*positions)[row].integer : positionOf(l, row);
    llvm::MutableArrayRef<double> numbers(scores.row(r), static_cast<size_t>(scores.columns));
    request.edit({numbers, position, text ? *text : nothing, static_cast<int64_t>(request.prompt.size())});
  }
}

/// Rows of scores that are held at a time.
static constexpr int64_t chunk = 8;

FailureOr<Machine::Data> Machine::score(Operation *op, const Logits &l, ArrayRef<Statistic> statistics, Value ofValue,
                                        SamplerAttr sampler, Value positions, Value evaluation) {
  auto count = static_cast<size_t>(l.rows());
  const Tensor *of = ofValue ? &tensor(ofValue) : nullptr, *at = positions ? &tensor(positions) : nullptr;
  if ((of && failed(expectEqual(op, "tokens, one a row", count, of->size()))) ||
      (at && failed(expectEqual(op, "positions, one a row", count, at->size()))))
    return failure();
  if (of)
    for (Number token : *of)
      if (token.integer < 0 || token.integer >= l.vocabulary())
        return op->emitOpError("expects tokens below ") << l.vocabulary() << ", but found " << token.integer;

  ArrayRef<Transform> transforms = sampler ? sampler.getTransforms() : ArrayRef<Transform>();
  SamplerNumbers numbers = samplerNumbers();
  DrawName name = {request.seed, evaluation ? static_cast<uint32_t>(integer(evaluation)) : 0, 0, tokenStream};
  std::vector<Tensor> results(statistics.size());
  for (int64_t first = 0; first < l.rows(); first += chunk) {
    Matrix scores = l.scores(first, std::min(chunk, l.rows() - first));
    edit(l, scores, first, at);
    for (int64_t r = 0; r < scores.rows; ++r) {
      auto row = static_cast<size_t>(first + r);
      int64_t position = at ? (*at)[row].integer : positionOf(l, row);
      name.position = static_cast<uint32_t>(position);
      int32_t asked = of ? static_cast<int32_t>((*of)[row].integer) : -1;
      RowScore s = scoreRow(scores.rowRef(r), program.fill(), transforms, numbers, name, asked);
      if (s.token < 0)
        return op->emitOpError("expects a token besides the fill token, but found a vocabulary of ") << l.vocabulary();
      trace.scored(position, s.confidence);
      for (auto [statistic, result] : llvm::zip_equal(statistics, results)) {
        switch (statistic) {
        case Statistic::Token:
          result.push_back(Number::ofInteger(s.token));
          break;
        case Statistic::Confidence:
          result.push_back(Number::ofReal(s.confidence));
          break;
        case Statistic::Entropy:
          result.push_back(Number::ofReal(s.entropy));
          break;
        case Statistic::NormalizedEntropy:
          result.push_back(Number::ofReal(s.normalizedEntropy));
          break;
        case Statistic::Margin:
          result.push_back(Number::ofReal(s.margin));
          break;
        case Statistic::Probability:
          result.push_back(Number::ofReal(s.probability));
          break;
        case Statistic::LogConfidence:
          result.push_back(Number::ofReal(s.logConfidence));
          break;
        case Statistic::Mass:
          result.push_back(Number::ofReal(s.mass));
          break;
        case Statistic::FilteredBest:
          result.push_back(Number::ofReal(s.filteredBest));
          break;
        case Statistic::FilteredEntropy:
          result.push_back(Number::ofReal(s.filteredEntropy));
          break;
        case Statistic::FilteredMargin:
          result.push_back(Number::ofReal(s.filteredMargin));
          break;
        case Statistic::FilteredMass:
          result.push_back(Number::ofReal(s.filteredMass));
          break;
        }
      }
    }
  }
  Data data;
  for (Tensor &t : results)
    data.push_back(datum(std::move(t)));
  return data;
}

FailureOr<Datum> Machine::residual(Operation *op, const Logits &l, const Logits &minus, Value positions,
                                   Value evaluation) {
  const Tensor &at = tensor(positions);
  auto count = static_cast<size_t>(l.rows());
  if (failed(expectEqual(op, "rows to subtract", count, static_cast<size_t>(minus.rows()))) ||
      failed(expectEqual(op, "positions, one a row", count, at.size())))
    return failure();
  DrawName name = {request.seed, static_cast<uint32_t>(integer(evaluation)), 0, residualStream};
  Tensor tokens;
  for (int64_t r = 0; r < l.rows(); ++r) {
    name.position = static_cast<uint32_t>(at[static_cast<size_t>(r)].integer);
    Matrix q = l.scores(r, 1), p = minus.scores(r, 1);
    edit(l, q, r, &at);
    edit(minus, p, r, &at);
    if (failed(expectEqual(op, "scores a row", q.numbers.size(), p.numbers.size())))
      return failure();
    int32_t token = drawResidual(q.numbers, p.numbers, program.fill(), name);
    if (token < 0)
      return op->emitOpError("expects a token besides the fill token, but found a vocabulary of ") << l.vocabulary();
    tokens.push_back(Number::ofInteger(token));
  }
  return datum(std::move(tokens));
}

FailureOr<Datum> Machine::materialize(Operation *op, const Logits &l, Type type) {
  if (int64_t width = cast<RankedTensorType>(type).getDimSize(1); width != l.vocabulary())
    return op->emitOpError("expects rows of ") << l.vocabulary() << " scores, but found " << width;
  if (failed(expectRows(op, l.rows(), l.vocabulary())))
    return failure();
  Tensor all;
  for (int64_t first = 0; first < l.rows(); first += chunk)
    for (double score : l.scores(first, std::min(chunk, l.rows() - first)).numbers)
      all.push_back(Number::ofReal(score));
  return datum(std::move(all));
}

FailureOr<Machine::Data> Machine::likeliest(Operation *op, const Logits &l, Value counts) {
  const Tensor &wanted = tensor(counts);
  if (failed(expectEqual(op, "numbers of tokens, one a row", static_cast<size_t>(l.rows()), wanted.size())))
    return failure();
  const int64_t fill = program.fill(), tokens = l.vocabulary() - (0 <= fill && fill < l.vocabulary());
  int64_t total = 0;
  for (Number count : wanted) {
    if (count.integer < 0 || count.integer > tokens)
      return op->emitOpError("expects numbers of tokens in [0, ") << tokens << "], but found " << count.integer;
    total += count.integer;
  }
  if (failed(expectSize(op, total)))
    return failure();
  Tensor all, probabilities;
  for (int64_t r = 0; r < l.rows(); ++r) {
    int64_t count = wanted[static_cast<size_t>(r)].integer;
    if (count == 0)
      continue;
    Matrix scores = l.scores(r, 1);
    edit(l, scores, r, nullptr);
    for (auto [token, probability] : likeliestTokens(scores.rowRef(0), static_cast<int32_t>(fill), count)) {
      all.push_back(Number::ofInteger(token));
      probabilities.push_back(Number::ofReal(probability));
    }
  }
  return Data{datum(std::move(all)), datum(std::move(probabilities))};
}

FailureOr<Machine::Data> Machine::suspendedScores(SuspendScoresOp op) {
  const Logits &l = logits(op.getLogits());
  if (op.getCounts())
    return likeliest(op, l, op.getCounts());
  FailureOr<Datum> made = materialize(op, l, op.getResume()->getArgument(0).getType());
  return failed(made) ? FailureOr<Data>(failure()) : Data{*made};
}

FailureOr<Machine::Data> Machine::suspendedScore(SuspendScoreOp op) {
  const Logits &l = logits(op.getLogits());
  if (!op.getMinus())
    return score(op, l, op.getStatistics().getStatistics(), op.getOf(), op.getSamplerAttr(), op.getPositions(),
                 op.getEvaluation());
  if (!op.getPositions())
    return op.emitOpError("expects positions with 'minus'");
  FailureOr<Datum> tokens = residual(op, l, logits(op.getMinus()), op.getPositions(), op.getEvaluation());
  return failed(tokens) ? FailureOr<Data>(failure()) : Data{*tokens};
}

LogicalResult Machine::guide(GuideOp op) {
  Logits guided = logits(op.getConditional());
  auto unconditional = std::get<std::shared_ptr<const Logits>>(get(op.getUnconditional()));
  if (guided.unconditional || unconditional->unconditional)
    return op.emitOpError("expects logits that are not guided themselves");
  if (!guided.adjustments.empty() || !unconditional->adjustments.empty())
    return op.emitOpError("expects logits that are not adjusted");
  if (guided.model != unconditional->model)
    return op.emitOpError("expects logits of one model, but found those of models ")
           << guided.model << " and " << unconditional->model;
  if (failed(expectEqual(op, "rows", static_cast<size_t>(guided.rows()), static_cast<size_t>(unconditional->rows()))) ||
      failed(expectEqual(op, "scores a row", static_cast<size_t>(guided.vocabulary()),
                         static_cast<size_t>(unconditional->vocabulary()))))
    return failure();
  guided.unconditional = std::move(unconditional);
  guided.guidance = number(op.getGuidance()).real;
  set(op.getResult(), datum(std::move(guided)));
  return success();
}

LogicalResult Machine::adjust(AdjustOp op) {
  Logits adjusted = logits(op.getLogits());
  const Tensor &tokens = tensor(op.getTokens()), &amounts = tensor(op.getAmounts());
  const Tensor *rows = op.getRows() ? &tensor(op.getRows()) : nullptr;
  if (!adjusted.adjustments.empty())
    return op.emitOpError("expects logits that are not adjusted");
  if (failed(expectEqual(op, "amounts", tokens.size(), amounts.size())) ||
      (rows && failed(expectEqual(op, "rows", tokens.size(), rows->size()))))
    return failure();
  for (size_t i = 0; i < tokens.size(); ++i) {
    Adjustment a = {rows ? (*rows)[i].integer : -1, static_cast<int32_t>(tokens[i].integer), amounts[i].real};
    if (a.token < 0 || a.token >= adjusted.vocabulary())
      return op.emitOpError("expects tokens below ") << adjusted.vocabulary() << ", but found " << a.token;
    if (rows && (a.row < 0 || a.row >= adjusted.rows()))
      return op.emitOpError("expects rows in [0, ") << adjusted.rows() << "), but found " << a.row;
    adjusted.adjustments.push_back(a);
  }
  set(op.getResult(), datum(std::move(adjusted)));
  return success();
}

/// Some rows, of the unconditional logits too.
static Logits takeRows(const Logits &l, int64_t from, int64_t count) {
  Logits some;
  some.head = l.head;
  some.model = l.model;
  some.text = l.text;
  some.guidance = l.guidance;
  for (Adjustment a : l.adjustments) {
    if (a.row >= 0 && (a.row < from || a.row >= from + count))
      continue;
    a.row -= a.row >= 0 ? from : 0;
    some.adjustments.push_back(a);
  }
  some.hidden = Matrix(count, l.hidden.columns);
  std::copy_n(l.hidden.row(from), count * l.hidden.columns, some.hidden.numbers.begin());
  if (l.model >= 0)
    some.positions.assign(l.positions.begin() + from, l.positions.begin() + from + count);
  if (l.unconditional)
    some.unconditional = std::make_shared<const Logits>(takeRows(*l.unconditional, from, count));
  return some;
}

LogicalResult Machine::rows(RowsOp op) {
  const Logits &l = logits(op.getLogits());
  int64_t from = integer(op.getFrom()), count = integer(op.getCount());
  if (from < 0 || from > l.rows())
    return op.emitOpError("expects a first row in [0, ") << l.rows() << "], but found " << from;
  if (count < 0 || count > l.rows() - from)
    return op.emitOpError("expects a number of rows in [0, ") << l.rows() - from << "], but found " << count;
  set(op.getResult(), datum(takeRows(l, from, count)));
  return success();
}

LogicalResult Machine::asLogits(AsLogitsOp op) {
  const Tensor &scores = tensor(op.getScores());
  Logits given;
  int64_t width = rowNumbersOf(op.getScores());
  given.hidden = Matrix(static_cast<int64_t>(scores.size()) / width, width);
  for (auto [to, from] : llvm::zip_equal(given.hidden.numbers, scores))
    to = from.real;
  given.model = -1;
  set(op.getLogits(), datum(std::move(given)));
  return success();
}

Machine::Answer Machine::evaluateScore(Operation *op) {
  return llvm::TypeSwitch<Operation *, Answer>(op)
      .Case([&](ScoreOp o) -> Answer {
        FailureOr<Data> results = score(o, logits(o.getLogits()), o.getStatistics().getStatistics(), o.getOf(),
                                        o.getSamplerAttr(), o.getPositions(), o.getEvaluation());
        if (failed(results))
          return failure();
        for (auto [result, d] : llvm::zip_equal(o->getResults(), *results))
          set(result, d);
        return success();
      })
      .Case([&](DrawResidualOp o) -> Answer {
        FailureOr<Datum> tokens =
            residual(o, logits(o.getLogits()), logits(o.getMinus()), o.getPositions(), o.getEvaluation());
        if (failed(tokens))
          return failure();
        set(o.getTokens(), *tokens);
        return success();
      })
      .Case([&](MaterializeOp o) -> Answer {
        FailureOr<Datum> scores = materialize(o, logits(o.getLogits()), o.getScores().getType());
        if (failed(scores))
          return failure();
        set(o.getScores(), *scores);
        return success();
      })
      .Case([&](LikeliestOp o) -> Answer {
        FailureOr<Data> both = likeliest(o, logits(o.getLogits()), o.getCounts());
        if (failed(both))
          return failure();
        set(o.getTokens(), (*both)[0]);
        set(o.getProbabilities(), (*both)[1]);
        return success();
      })
      .Case([&](GuideOp o) -> Answer { return guide(o); })
      .Case([&](AdjustOp o) -> Answer { return adjust(o); })
      .Case([&](AsLogitsOp o) -> Answer { return asLogits(o); })
      .Case([&](RowsOp o) -> Answer { return rows(o); })
      .Default([](Operation *) { return std::nullopt; });
}
