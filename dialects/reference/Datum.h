//===- Datum.h - what an SSA value holds while a program runs --------------===//
//
// Numbers of all types are one struct: integers of any width and indices use `integer`, sign-extended (i1 is 0 or 1);
// floating-point numbers use `real`, a double whatever their type says. Rank-1 tensors are vectors of numbers. Larger
// values are shared and never changed, so that a copy costs nothing.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_DATUM_H
#define QUOIN_DIALECTS_REFERENCE_DATUM_H

#include "dialects/reference/Sequence.h"
#include <memory>
#include <variant>

namespace quoin::ref {

struct Number {
  int64_t integer = 0;
  double real = 0;

  static Number ofInteger(int64_t value) { return {value, 0}; }
  static Number ofReal(double value) { return {0, value}; }
};

using Tensor = std::vector<Number>;

/// What `quoin.adjust` adds to the score of a token, in one row or (-1) in all.
struct Adjustment {
  int64_t row = -1;
  int32_t token = 0;
  double amount = 0;
};

/// The value of a `!quoin.logits`: hidden rows, and the head that turns them into scores; without a head, the scores.
struct Logits {
  Matrix hidden;
  Head head;
  /// The model that made them, as the module's models are numbered; -1 for scores that a program gave.
  int64_t model = 0;
  /// Positions of the slots that were read: what a trace calls the rows.
  std::vector<int64_t> positions;
  /// With guidance: the unconditional rows, and the factor.
  std::shared_ptr<const Logits> unconditional;
  double guidance = 0;
  std::vector<Adjustment> adjustments;
  /// The sequence of the call that made them, for who edits scores.
  std::shared_ptr<const Sequence> text;

  int64_t rows() const { return hidden.rows; }
  int64_t vocabulary() const { return head.weight ? head.weight->stored.rows : hidden.columns; }
  /// Scores of rows [from, from + count).
  Matrix scores(int64_t from, int64_t count) const;
};

/// The value of a `!quoin.cache`: which of the session's caches, and of which model.
struct CacheHandle {
  int64_t number = 0;
  llvm::StringRef model = {};
  bool tokenless = false;
};

/// Nothing (`std::monostate`) is what `ub.poison` gives: it may be carried along but not used.
using Datum = std::variant<std::monostate, Number, std::shared_ptr<const Tensor>, std::shared_ptr<const Sequence>,
                           std::shared_ptr<const Logits>, CacheHandle>;

inline Datum datum(Tensor tensor) { return std::make_shared<const Tensor>(std::move(tensor)); }
inline Datum datum(Sequence sequence) { return std::make_shared<const Sequence>(std::move(sequence)); }
inline Datum datum(Logits logits) { return std::make_shared<const Logits>(std::move(logits)); }
inline Datum datum(Number number) { return number; }

} // namespace quoin::ref

#endif
