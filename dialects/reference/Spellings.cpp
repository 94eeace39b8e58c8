//===- Spellings.cpp - what spellings mean, in float64 ----------------------===//

#include "dialects/reference/Spellings.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

using Row = std::vector<double>;

static Row rowOf(const Matrix &m, int64_t r) {
  ArrayRef<double> row = m.rowRef(r);
  return {row.begin(), row.end()};
}

static double silu(double x) { return x / (1 + std::exp(-x)); }

static double gelu(double x, bool byTanh) {
  double root = std::sqrt(2 / std::acos(-1.0));
  return x / 2 * (1 + (byTanh ? std::tanh(root * (x + 0.044715 * x * x * x)) : std::erf(x / std::sqrt(2.0))));
}

static Matrix elementwise(std::initializer_list<const Matrix *> operands,
                          function_ref<double(ArrayRef<double>)> formula) {
  Matrix out = **operands.begin();
  SmallVector<double, 3> in(operands.size());
  for (size_t i = 0; i < out.numbers.size(); ++i) {
    for (auto [number, operand] : llvm::zip_equal(in, operands))
      number = operand->numbers[i];
    out.numbers[i] = formula(in);
  }
  return out;
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// Calls `body` with each group of so many features, and the number of the group in its row.
static Matrix eachGroup(const Matrix &in, int64_t size, function_ref<void(MutableArrayRef<double>, int64_t)> body) {
  Matrix out = in;
  for (int64_t r = 0; r < out.rows; ++r)
    for (int64_t g = 0; g < out.columns / size; ++g)
      body(MutableArrayRef(out.row(r) + g * size, static_cast<size_t>(size)), g);
  return out;
}

static Matrix rmsNorm(const Matrix &in, ArrayRef<double> scale, double epsilon) {
  auto group = static_cast<int64_t>(scale.size());
  Matrix out(in.rows, in.columns);
  for (int64_t at = 0; at < in.rows * in.columns; at += group) {
    const double *x = in.numbers.data() + at;
    double *y = out.numbers.data() + at;
    double squares = 0;
    for (int64_t i = 0; i < group; ++i)
      squares += x[i] * x[i];
    double inverse = 1 / std::sqrt(squares / static_cast<double>(group) + epsilon);
    for (int64_t i = 0; i < group; ++i)
      y[i] = x[i] * inverse * scale[static_cast<size_t>(i)];
  }
  return out;
}

static Matrix layerNorm(const Matrix &in, ArrayRef<double> scale, ArrayRef<double> shift, double epsilon) {
  size_t size = !scale.empty() ? scale.size() : !shift.empty() ? shift.size() : static_cast<size_t>(in.columns);
  return eachGroup(in, static_cast<int64_t>(size), [&](MutableArrayRef<double> x, int64_t) {
    double count = static_cast<double>(size), mean = std::accumulate(x.begin(), x.end(), 0.0) / count, variance = 0;
    for (double f : x)
      variance += (f - mean) * (f - mean);
    for (auto [i, f] : llvm::enumerate(x))
      f = (f - mean) / std::sqrt(variance / count + epsilon) * (scale.empty() ? 1 : scale[i]) +
          (shift.empty() ? 0 : shift[i]);
  });
}

static Matrix unitNorm(const Matrix &in, int64_t head, ArrayRef<double> times) {
  return eachGroup(in, head, [&](MutableArrayRef<double> x, int64_t group) {
    double squares = 0;
    for (double f : x)
      squares += f * f;
    double length = std::sqrt(squares);
    for (double &f : x)
      f = f / (length < 1e-12 ? 1e-12 : length) * (times.empty() ? 1 : times[static_cast<size_t>(group)]);
  });
}

//===----------------------------------------------------------------------===//
// Routers
//===----------------------------------------------------------------------===//

/// The numbers of the `count` highest, highest first; of equals the first. NaN is higher than all numbers.
static SmallVector<size_t> highest(ArrayRef<double> numbers, size_t count) {
  SmallVector<size_t> order(numbers.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](size_t a, size_t b) {
    bool first = std::isnan(numbers[a]), second = std::isnan(numbers[b]);
    if (first != second)
      return first;
    return first || numbers[a] == numbers[b] ? a < b : numbers[a] > numbers[b];
  });
  order.truncate(std::min(count, order.size()));
  return order;
}

static Row scoresOf(RouteOp op, Row x) {
  double top = -HUGE_VAL, total = 0;
  switch (op.getScores()) {
  case RouterScores::Given:
    return x;
  case RouterScores::Sigmoid:
    for (double &f : x)
      f = 1 / (1 + std::exp(-f));
    return x;
  case RouterScores::Softmax:
    break;
  }
  for (double f : x)
    top = std::isnan(f) || f > top ? f : top;
  for (double &f : x)
    total += f = std::exp(f - top);
  for (double &f : x)
    f /= total;
  return x;
}

/// Puts experts of groups that are not among the best out of reach.
static void keepGroups(Row &by, size_t groups, size_t best) {
  size_t each = by.size() / groups;
  Row totals;
  for (size_t g = 0; g < groups; ++g) {
    ArrayRef<double> own(by.data() + g * each, each);
    double total = 0;
    for (size_t i : highest(own, 2))
      total += own[i];
    totals.push_back(total);
  }
  SmallVector<size_t> kept = highest(totals, best);
  for (size_t e = 0; e < by.size(); ++e)
    if (!llvm::is_contained(kept, e / each))
      by[e] = -HUGE_VAL;
}

static SmallVector<Matrix, 2> route(RouteOp op, const Matrix &in, ArrayRef<double> correction) {
  auto top = static_cast<int64_t>(op.getTop());
  Matrix choice(in.rows, top), share(in.rows, top);
  for (int64_t r = 0; r < in.rows; ++r) {
    Row scores = scoresOf(op, rowOf(in, r)), by = scores;
    for (auto [f, more] : llvm::zip(by, correction))
      f += more;
    if (op.getGroups())
      keepGroups(by, *op.getGroups(), *op.getBest());
    double total = 0;
    for (auto [j, expert] : llvm::enumerate(highest(by, static_cast<size_t>(top)))) {
      choice.row(r)[j] = static_cast<double>(expert);
      share.row(r)[j] = scores[expert];
      total += scores[expert];
    }
    for (int64_t j = 0; j < top; ++j) {
      double &s = share.row(r)[j];
      s = (op.getNormalise() ? s / (total + 1e-20) : s) * (op.getScale() ? op.getScale()->convertToDouble() : 1);
    }
  }
  return {choice, share};
}

static Matrix mix(const Matrix &in, const Matrix &share) {
  int64_t width = in.columns / share.columns;
  Matrix out(in.rows, width);
  for (int64_t r = 0; r < in.rows; ++r)
    for (int64_t j = 0; j < share.columns; ++j)
      for (int64_t i = 0; i < width; ++i)
        out.row(r)[i] += share.row(r)[j] * in.row(r)[j * width + i];
  return out;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// log(1 + exp(x)) without an overflow.
static double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

static SmallVector<Matrix, 2> mergeAttention(const Matrix &first, const Matrix &firstLse, const Matrix &second,
                                             const Matrix &secondLse) {
  Matrix out(first.rows, first.columns), lse(firstLse.rows, firstLse.columns);
  int64_t width = first.columns / lse.columns;
  for (int64_t r = 0; r < out.rows; ++r)
    for (int64_t h = 0; h < lse.columns; ++h) {
      double a = firstLse.row(r)[h], b = secondLse.row(r)[h];
      bool none[] = {a == -HUGE_VAL, b == -HUGE_VAL};
      // -logsigmoid(a - b) is what the second adds to the first's logarithm.
      lse.row(r)[h] = none[1] ? a : none[0] ? b : a + softplus(b - a);
      for (int64_t i = h * width; i < (h + 1) * width; ++i)
        out.row(r)[i] = (none[0] ? 0 : first.row(r)[i] / (1 + std::exp(b - a))) +
                        (none[1] ? 0 : second.row(r)[i] / (1 + std::exp(a - b)));
    }
  return {out, lse};
}

//===----------------------------------------------------------------------===//
// Grids
//===----------------------------------------------------------------------===//

/// As one sum over all cells of the grid, and not along one side after the other.
static Matrix resample(ResampleOp op, const Matrix &in, ArrayRef<double> lines, ArrayRef<double> columns) {
  int64_t h = op.getGrid()[0], w = op.getGrid()[1], toH = op.getTo()[0], toW = op.getTo()[1],
          features = in.columns / (h * w);
  Matrix out(in.rows, toH * toW * features);
  for (int64_t r = 0; r < in.rows; ++r)
    for (int64_t cell = 0; cell < toH * toW; ++cell)
      for (int64_t from = 0; from < h * w; ++from) {
        double by = lines[static_cast<size_t>(cell / toW * h + from / w)] *
                    columns[static_cast<size_t>(cell % toW * w + from % w)];
        for (int64_t c = 0; c < features; ++c)
          out.row(r)[cell * features + c] += by * in.row(r)[from * features + c];
      }
  return out;
}

static Matrix convolve(ConvOp op, const Matrix &in, ArrayRef<double> weight, ArrayRef<double> bias) {
  int64_t h = op.getGrid()[0], w = op.getGrid()[1], kh = op.getTaps()[0], kw = op.getTaps()[1],
          features = in.columns / (h * w), made = rowNumbersOf(op.getOutput()) / (h * w);
  weight = weight.drop_front(op.getFilter() * static_cast<size_t>(made * kh * kw * features));
  Matrix out(in.rows, h * w * made);
  for (int64_t r = 0; r < in.rows; ++r)
    for (int64_t i = 0; i < h * w * made; ++i) {
      int64_t cell = i / made, o = i % made;
      double sum = bias.empty() ? 0 : bias[static_cast<size_t>(o)];
      for (int64_t tap = 0; tap < kh * kw; ++tap) {
        int64_t y = cell / w + tap / kw - (kh - 1) / 2, x = cell % w + tap % kw - (kw - 1) / 2;
        if (y < 0 || y >= h || x < 0 || x >= w)
          continue;
        for (int64_t c = 0; c < features; ++c)
          sum +=
              weight[static_cast<size_t>((o * kh * kw + tap) * features + c)] * in.row(r)[(y * w + x) * features + c];
      }
      out.row(r)[i] = sum;
    }
  return out;
}

SmallVector<Matrix, 2> quoin::ref::evaluateSpelling(SpellingOpInterface op, function_ref<const Matrix &(Value)> rows,
                                                    function_ref<ArrayRef<double>(FlatSymbolRefAttr)> vector) {
  auto numbers = [&](FlatSymbolRefAttr symbol) { return symbol ? vector(symbol) : ArrayRef<double>(); };
  using Made = SmallVector<Matrix, 2>;
  return llvm::TypeSwitch<Operation *, Made>(op)
      .Case([&](SiluOp o) { return Made{elementwise({&rows(o.getInput())}, [](auto x) { return silu(x[0]); })}; })
      .Case([&](Relu2Op o) {
        return Made{elementwise({&rows(o.getInput())}, [](auto x) { return x[0] < 0 ? 0 : x[0] * x[0]; })};
      })
      .Case([&](GeluOp o) {
        return Made{elementwise({&rows(o.getInput())}, [&](auto x) { return gelu(x[0], o.getTanh()); })};
      })
      .Case([&](SwigluOp o) {
        return Made{elementwise({&rows(o.getGate()), &rows(o.getUp())}, [](auto x) { return silu(x[0]) * x[1]; })};
      })
      .Case([&](GegluOp o) {
        return Made{elementwise({&rows(o.getGate()), &rows(o.getUp())},
                                [&](auto x) { return gelu(x[0], o.getTanh()) * x[1]; })};
      })
      .Case([&](ModulateOp o) {
        return Made{elementwise({&rows(o.getInput()), &rows(o.getScale()), &rows(o.getShift())},
                                [](auto x) { return x[0] * (1 + x[1]) + x[2]; })};
      })
      .Case([&](RmsNormOp o) {
        return Made{rmsNorm(rows(o.getInput()), numbers(o.getWeightAttr()), o.getEpsilon().convertToDouble())};
      })
      .Case([&](LayerNormOp o) {
        return Made{layerNorm(rows(o.getInput()), numbers(o.getWeightAttr()), numbers(o.getBiasAttr()),
                              o.getEpsilon().convertToDouble())};
      })
      .Case([&](UnitNormOp o) {
        return Made{unitNorm(rows(o.getInput()), static_cast<int64_t>(o.getHeadDim()), numbers(o.getWeightAttr()))};
      })
      .Case([&](RouteOp o) { return route(o, rows(o.getInput()), numbers(o.getCorrectionAttr())); })
      .Case([&](ResampleOp o) {
        return Made{resample(o, rows(o.getInput()), numbers(o.getLinesAttr()), numbers(o.getColumnsAttr()))};
      })
      .Case([&](ConvOp o) {
        return Made{convolve(o, rows(o.getInput()), numbers(o.getWeightAttr()), numbers(o.getBiasAttr()))};
      })
      .Case([&](MergeAttentionOp o) {
        return mergeAttention(rows(o.getFirst()), rows(o.getFirstLse()), rows(o.getSecond()), rows(o.getSecondLse()));
      })
      .Case([&](MixOp o) { return Made{mix(rows(o.getInput()), rows(o.getShare()))}; })
      .DefaultUnreachable("a spelling that has a meaning here");
}
