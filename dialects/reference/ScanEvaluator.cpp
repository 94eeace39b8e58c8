//===- ScanEvaluator.cpp - recurrences in float64 -------------------------===//
//
// Row after row, of each row head after head. A row of states is [state][head][numbers].
//
//===----------------------------------------------------------------------===//

#include "dialects/reference/ScanEvaluator.h"
#include "dialects/quoin/RowProgram.h"
#include "dialects/reference/RowEvaluator.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

/// Calls `body` with the place of each number of a head among all.
static void eachPlace(const HeadPart &part, int64_t head, function_ref<void(size_t)> body) {
  for (int64_t outer = 0; outer < part.outer; ++outer)
    for (int64_t i = 0; i < part.inner; ++i)
      body(static_cast<size_t>((outer * part.heads + (part.isShared() ? 0 : head)) * part.inner + i));
}

static Tensor take(ArrayRef<double> all, const HeadPart &part, int64_t head) {
  Tensor own;
  eachPlace(part, head, [&](size_t place) { own.push_back(Number::ofReal(all[place])); });
  return own;
}

SmallVector<Matrix> quoin::ref::evaluateScan(Block &body, const ScanShape &shape, ArrayRef<const Matrix *> inputs,
                                             ArrayRef<const Matrix *> initial, ArrayRef<ArrayRef<double>> weights,
                                             int64_t count, Matrix &states, function_ref<int64_t(int64_t row)> before) {
  SmallVector<HeadPart> parts; // of states, in a row of them
  int64_t width = 0;
  for (size_t i = 0; i < shape.states; ++i) {
    parts.push_back({1, shape.heads, rowElementsOf(body.getArgument(static_cast<unsigned>(i)).getType())});
    width += parts.back().allNumbers();
  }
  SmallVector<SmallVector<Tensor>> ofHeads(static_cast<size_t>(shape.heads));
  for (int64_t head = 0; head < shape.heads; ++head)
    for (auto [weight, part] : llvm::zip_equal(weights, shape.weights))
      ofHeads[static_cast<size_t>(head)].push_back(take(weight, part, head));
  SmallVector<Matrix> made;
  for (const HeadPart &part : shape.outputs)
    made.emplace_back(count, part.allNumbers());

  for (int64_t r = 0; r < count; ++r) {
    Matrix next(1, width);
    int64_t from = before ? before(r) : states.rows - 1;
    for (int64_t head = 0; head < shape.heads; ++head) {
      SmallVector<Tensor> arguments;
      int64_t offset = 0;
      for (auto [i, part] : llvm::enumerate(parts)) {
        if (from >= 0)
          arguments.push_back(take(states.rowRef(from).drop_front(static_cast<size_t>(offset)), part, head));
        else if (!initial.empty())
          arguments.push_back(take(initial[i]->rowRef(0), shape.initial[i], head));
        else
          arguments.emplace_back(static_cast<size_t>(part.numbers()));
        offset += part.allNumbers();
      }
      for (auto [input, part] : llvm::zip_equal(inputs, shape.inputs))
        arguments.push_back(take(input->rowRef(r), part, head));
      llvm::append_range(arguments, ofHeads[static_cast<size_t>(head)]);
      SmallVector<Tensor> given = evaluateRow(body, arguments);
      offset = 0;
      auto put = [](double *to, const HeadPart &part, int64_t head, const Tensor &numbers) {
        const Number *number = numbers.data();
        eachPlace(part, head, [&](size_t place) { to[place] = (number++)->real; });
      };
      for (auto [i, part] : llvm::enumerate(parts)) {
        put(next.row(0) + offset, part, head, given[i]);
        offset += part.allNumbers();
      }
      for (auto [i, part] : llvm::enumerate(shape.outputs))
        put(made[i].row(r), part, head, given[shape.states + i]);
    }
    states.appendRows(next);
  }
  return made;
}
