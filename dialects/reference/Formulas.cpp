//===- Formulas.cpp - what models and their steps make of rows -------------===//

#include "dialects/reference/Formulas.h"
#include "dialects/reference/RowEvaluator.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace quoin::ref;

static Tensor realsOf(ArrayRef<double> numbers) {
  Tensor out;
  for (double number : numbers)
    out.push_back(Number::ofReal(number));
  return out;
}

/// Columns that are summed at once, in registers.
static constexpr int64_t panel = 8;

/// `count` rows from r and `panel` columns from j of y = x w. Each sum runs over x's columns in order.
template <int64_t count> static void multiplyPanel(const Matrix &x, const Matrix &w, int64_t r, int64_t j, Matrix &y) {
  double sums[count][panel] = {};
  for (int64_t i = 0; i < x.columns; ++i) {
    const double *line = w.row(i) + j;
    for (int64_t n = 0; n < count; ++n)
      for (int64_t c = 0; c < panel; ++c)
        sums[n][c] += x.row(r + n)[i] * line[c];
  }
  for (int64_t n = 0; n < count; ++n)
    std::copy_n(sums[n], panel, y.row(r + n) + j);
}

[[gnu::always_inline]] static inline void multiplyPanels(const Matrix &x, const Matrix &w, Matrix &y) {
  int64_t j = 0;
  for (; j + panel <= y.columns; j += panel) {
    int64_t r = 0;
    for (; r + 4 <= x.rows; r += 4)
      multiplyPanel<4>(x, w, r, j, y);
    for (; r < x.rows; ++r)
      multiplyPanel<1>(x, w, r, j, y);
  }
  for (int64_t r = 0; r < x.rows; ++r)
    for (int64_t i = 0; i < x.columns; ++i)
      for (int64_t c = j; c < y.columns; ++c)
        y.row(r)[c] += x.row(r)[i] * w.row(i)[c];
}

#ifdef __x86_64__
/// The same bits, without fused operations, twice as fast: most of what the interpreter does.
[[gnu::target("avx2")]] static void multiplyPanelsWide(const Matrix &x, const Matrix &w, Matrix &y) {
  multiplyPanels(x, w, y);
}
#endif

Matrix quoin::ref::multiply(const Matrix &x, const Matrix &transposed) {
  Matrix y(x.rows, transposed.columns);
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) {
    multiplyPanelsWide(x, transposed, y);
    return y;
  }
#endif
  multiplyPanels(x, transposed, y);
  return y;
}

Matrix quoin::ref::product(const Matrix &x, const Weight &weight, const Weight *bias) {
  Matrix out = multiply(x, weight.transposed);
  if (!bias)
    return out;
  ArrayRef<double> added = bias->stored.rowRef(0);
  for (int64_t r = 0; r < out.rows; ++r)
    for (auto [y, b] : llvm::zip_equal(MutableArrayRef(out.row(r), added.size()), added))
      y += b;
  return out;
}

Matrix quoin::ref::expertProduct(const Matrix &x, const Matrix &choice, const Weight &weight) {
  int64_t experts = weight.matrices, choices = choice.columns, out = weight.stored.rows / experts,
          in = weight.stored.columns;
  Matrix y(x.rows, choices * out);
  for (int64_t r = 0; r < x.rows; ++r)
    for (int64_t j = 0; j < choices; ++j) {
      auto expert = static_cast<int64_t>(choice.row(r)[j]);
      if (expert < 0 || expert >= experts)
        continue;
      const double *row = x.row(r) + (x.columns == in ? 0 : j * in);
      for (int64_t n = 0; n < out; ++n) {
        const double *w = weight.stored.row(expert * out + n);
        double total = 0;
        for (int64_t i = 0; i < in; ++i)
          total += row[i] * w[i];
        y.row(r)[j * out + n] = total;
      }
    }
  return y;
}

std::vector<double> quoin::ref::anglesOf(int64_t position, int64_t pairs, double theta) {
  std::vector<double> all(static_cast<size_t>(2 * pairs));
  for (int64_t i = 0; i < pairs; ++i) {
    double angle =
        static_cast<double>(position) * std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(2 * pairs));
    all[static_cast<size_t>(i)] = std::cos(angle);
    all[static_cast<size_t>(pairs + i)] = std::sin(angle);
  }
  return all;
}

Matrix quoin::ref::turn(const Matrix &in, int64_t headDim, double theta, function_ref<int64_t(int64_t)> position) {
  int64_t half = headDim / 2;
  Matrix out(in.rows, in.columns);
  for (int64_t i = 0; i < half; ++i) {
    double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(headDim));
    for (int64_t r = 0; r < in.rows; ++r) {
      double angle = static_cast<double>(position(r)) * frequency;
      double cosine = std::cos(angle), sine = std::sin(angle);
      for (int64_t head = 0; head < in.columns; head += 2 * half) {
        double a = in.row(r)[head + i], b = in.row(r)[head + half + i];
        out.row(r)[head + i] = a * cosine - b * sine;
        out.row(r)[head + half + i] = b * cosine + a * sine;
      }
    }
  }
  return out;
}

Matrix quoin::ref::rowsOfTable(const Matrix &table, int64_t count, llvm::function_ref<int64_t(int64_t r)> number) {
  Matrix out(count, table.columns);
  for (int64_t r = 0; r < count; ++r)
    if (int64_t n = number(r); n >= 0 && n < table.rows)
      std::copy_n(table.row(n), table.columns, out.row(r));
  return out;
}

Matrix quoin::ref::sum(const Matrix &a, const Matrix &b) {
  Matrix out = a;
  for (auto [x, y] : llvm::zip_equal(out.numbers, b.numbers))
    x += y;
  return out;
}

Matrix quoin::ref::rowsAt(const Matrix &in, ArrayRef<int64_t> slots, int64_t from) {
  Matrix out(static_cast<int64_t>(slots.size()), in.columns);
  for (int64_t i = 0; i < out.rows; ++i)
    llvm::copy(in.rowRef(slots[static_cast<size_t>(i)] - from), out.row(i));
  return out;
}

Matrix quoin::ref::formulaOf(Block &formula, ArrayRef<Matrix> matrices) {
  Matrix out = matrices[0];
  SmallVector<Tensor> arguments;
  for (const Matrix &matrix : matrices)
    arguments.push_back(realsOf(matrix.numbers));
  Tensor made = evaluateFormula(formula, arguments, out.numbers.size());
  llvm::transform(made, out.numbers.begin(), [](const Number &number) { return number.real; });
  return out;
}

/// What the formula makes of the scores of keys at these positions.
static void bend(Block &formula, SmallVectorImpl<double> &scores, int64_t head, int64_t query,
                 ArrayRef<int64_t> positions) {
  if (scores.empty())
    return;
  Tensor keys;
  for (int64_t position : positions)
    keys.push_back(Number::ofInteger(position));
  Tensor made = evaluateFormula(formula, {realsOf(scores), {Number::ofInteger(head)}, {Number::ofInteger(query)}, keys},
                                scores.size());
  llvm::transform(made, scores.begin(), [](const Number &number) { return number.real; });
}

namespace {
/// One head of one row: its softmax over the keys that it sees.
struct HeadSoftmax {
  SmallVector<double, 128> exponentials; ///< of the keys seen, over the highest score
  double highest = -HUGE_VAL, total = 0;

  double probability(size_t i) const { return exponentials[i] / total; }
  double logarithm() const { return exponentials.empty() ? -HUGE_VAL : highest + std::log(total); }
};

/// Calls `body` with each row and head, the slots that the row sees, and the head's softmax.
void eachHead(const Matrix &queries, const Matrix &keys, const HeadShape &shape, const Visibility &visible,
              ArrayRef<Slot> slots, function_ref<int64_t(int64_t)> slot,
              function_ref<void(int64_t row, int64_t head, ArrayRef<int64_t> seen, const HeadSoftmax &softmax)> body) {
  int64_t width = shape.headDim, share = shape.heads / shape.kvHeads;
  SmallVector<int64_t, 128> seen, positions;
  for (int64_t r = 0; r < queries.rows; ++r) {
    seen.clear();
    positions.clear();
    int64_t query = slot(r);
    for (int64_t k = 0; k < keys.rows; ++k)
      if (visible(query, k)) {
        seen.push_back(k);
        positions.push_back(slots[static_cast<size_t>(k)].position);
      }
    for (int64_t h = 0; h < shape.heads; ++h) {
      HeadSoftmax softmax;
      const double *own = queries.row(r) + h * width;
      for (int64_t k : seen) {
        const double *key = keys.row(k) + h / share * width;
        softmax.exponentials.push_back(std::inner_product(own, own + width, key, 0.0) * shape.scale);
      }
      if (shape.score)
        bend(*shape.score, softmax.exponentials, h, slots[static_cast<size_t>(query)].position, positions);
      // NaN counts as the highest score.
      for (double x : softmax.exponentials)
        softmax.highest = std::isnan(softmax.highest) || x <= softmax.highest ? softmax.highest : x;
      for (double &x : softmax.exponentials)
        softmax.total += x = std::exp(x - softmax.highest);
      body(r, h, seen, softmax);
    }
  }
}
} // namespace

Matrix quoin::ref::attend(const Matrix &queries, const Matrix &keys, const Matrix &values, const HeadShape &shape,
                          const Visibility &visible, ArrayRef<Slot> slots, function_ref<int64_t(int64_t)> slot,
                          Matrix *lse) {
  int64_t width = shape.headDim, share = shape.heads / shape.kvHeads;
  Matrix out(queries.rows, queries.columns);
  if (lse)
    *lse = Matrix(queries.rows, shape.heads);
  eachHead(queries, keys, shape, visible, slots, slot,
           [&](int64_t r, int64_t h, ArrayRef<int64_t> seen, const HeadSoftmax &softmax) {
             double *to = out.row(r) + h * width;
             for (auto [i, k] : llvm::enumerate(seen)) {
               const double *value = values.row(k) + h / share * width;
               for (int64_t f = 0; f < width; ++f)
                 to[f] += softmax.probability(i) * value[f];
             }
             if (lse)
               lse->row(r)[h] = softmax.logarithm();
           });
  return out;
}

Matrix quoin::ref::attentionMass(const Matrix &queries, const Matrix &keys, const Matrix &group, int64_t groups,
                                 const HeadShape &shape, const Visibility &visible, ArrayRef<Slot> slots,
                                 function_ref<int64_t(int64_t)> slot) {
  Matrix out(queries.rows, groups);
  eachHead(queries, keys, shape, visible, slots, slot,
           [&](int64_t r, int64_t, ArrayRef<int64_t> seen, const HeadSoftmax &softmax) {
             for (auto [i, k] : llvm::enumerate(seen))
               for (int64_t g = 0; g < groups; ++g)
                 // What is no number is none for every group.
                 out.row(r)[g] += softmax.probability(i) * (group.row(k)[0] == static_cast<double>(g) ? 1 : 0) /
                                  static_cast<double>(shape.heads);
           });
  return out;
}
