//===- Matrix.h - rows of numbers ------------------------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_MATRIX_H
#define QUOIN_DIALECTS_REFERENCE_MATRIX_H

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <vector>

namespace quoin::ref {

/// float64, row by row.
struct Matrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<double> numbers;

  Matrix() = default;
  Matrix(int64_t rows, int64_t columns) : rows(rows), columns(columns), numbers(static_cast<size_t>(rows * columns)) {}

  double *row(int64_t i) { return numbers.data() + i * columns; }
  const double *row(int64_t i) const { return numbers.data() + i * columns; }
  llvm::ArrayRef<double> rowRef(int64_t i) const { return {row(i), static_cast<size_t>(columns)}; }
  void appendRows(const Matrix &more) {
    columns = more.columns;
    rows += more.rows;
    numbers.insert(numbers.end(), more.numbers.begin(), more.numbers.end());
  }
  void resizeRows(int64_t count) {
    rows = count;
    numbers.resize(static_cast<size_t>(rows * columns));
  }
};

/// x times the transpose of a weight: `transposed` is `[in, out]`, so that the inner loop runs over neighbours. A row's
/// sums run over `in` in order, whatever the number of rows.
Matrix multiply(const Matrix &x, const Matrix &transposed);

} // namespace quoin::ref

#endif
