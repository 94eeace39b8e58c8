// columns.h: the columns that a step takes and gives, for all rows of a pass.
#ifndef QUOIN_RUNTIME_COLUMNS_H
#define QUOIN_RUNTIME_COLUMNS_H

#include "internal.h"

namespace quoin::rt {

/// How many rows each space of a model has in a step.
struct SpaceSizes {
  int64_t rows = 0, reads = 0, sequences = 0;
  size_t of(const quoin_program_model_t &table, const quoin_column_t &column) const {
    int32_t kind = table.spaces[column.space].kind;
    return static_cast<size_t>(kind == QUOIN_SPACE_READ ? reads : kind == QUOIN_SPACE_SEQUENCE ? sequences : rows);
  }
};

/// Room for what a step takes and gives, in the scratch of the batch, and its tables of both.
struct StepColumns {
  quoin_operand_t operands[QUOIN_MAX_COLUMNS];
  quoin_output_t results[QUOIN_MAX_COLUMNS];

  [[nodiscard]] bool make(const quoin_program_model_t &table, const SpaceSizes &sizes, Scratch &s) {
    auto bytesOf = [&](const quoin_column_t &column) {
      return (static_cast<size_t>(column.row_bytes) * sizes.of(table, column) + kAlignment - 1) / kAlignment *
             kAlignment;
    };
    size_t bytes = 0, rows = 0;
    for (int32_t i = 0; i < table.operands_count; ++i)
      bytes += bytesOf(table.operands[i]);
    for (int32_t i = 0; i < table.results_count; ++i)
      rows += sizes.of(table, table.results[i]);
    if (!s.columns.resize(bytes) || !s.resultRows.resize(rows))
      return false;
    bytes = rows = 0;
    for (int32_t i = 0; i < table.operands_count; ++i) {
      const quoin_column_t &column = table.operands[i];
      operands[i] = {s.columns.data() + bytes, column.row_bytes, column.space};
      bytes += bytesOf(column);
    }
    for (int32_t i = 0; i < table.results_count; ++i) {
      const quoin_column_t &column = table.results[i];
      results[i] = {s.resultRows.data() + rows, column.row_bytes, column.space};
      rows += sizes.of(table, column);
    }
    return true;
  }
  /// Where row `row` of an operand goes; the columns are ours.
  void *at(int32_t operand, int64_t row) {
    const quoin_operand_t &column = operands[operand];
    return static_cast<uint8_t *>(const_cast<void *>(column.data)) + row * column.row_bytes;
  }
};

/// Is a column one row for all slots of a call?
inline bool isOnce(const quoin_program_model_t &table, int32_t operand) {
  return table.spaces[table.operands[operand].space].kind == QUOIN_SPACE_SEQUENCE;
}

/// Bytes of a row of an operand, packed.
inline int64_t packedBytes(const quoin_column_t &column) { return column.width * 4; }

} // namespace quoin::rt

#endif
