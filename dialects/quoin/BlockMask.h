//===- BlockMask.h - who sees whom, as a formula ---------------------------===//
//
// A mask is a predicate over a query and a key. The field writes it as a picture; here it is a formula, because every
// question the compiler has can be asked of a formula: is this tile empty, may this row's keys be kept, is the mask
// causal after that permutation.
//
// A formula is an expression over integers and truth values, stored as an array of nodes whose operands come before
// them; the last node is the root. It has no IR types, so it can be tested, printed and evaluated without a context.
// Terms are
//
//   q, k               the token's logical position
//   slot(q), slot(k)   its place in the call: what comes first in memory
//   open(q), open(k)   1 if the position is still to be filled
//   label(q), label(k) an integer the program gave it
//   a(q), a(k)         the integer that a label array of the mask itself, known when it was written, has at the token's
//                      slot; slots past its end have its last value
//   symbols            run-time numbers of the call (the prompt's length, the block's start)
//
// and constants; `floordiv` and `mod` round down, as in affine maps, so that blocks continue below zero.
//
// Besides being evaluated for one pair (`see`), a formula can be evaluated for a whole box of pairs at once
// (`classify`): every term becomes the interval of its values, every comparison one of {never, sometimes, always}. The
// answer "never" or "always" is a proof; "sometimes" is not. Exact answers about all sizes are the business of the
// passes, which translate formulas to Presburger sets.
//
// No arithmetic of a formula leaves 64 bits as long as positions, slots and labels are below 2^31 and symbols below
// 2^40 in magnitude: the parser refuses a term that could.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_BLOCKMASK_H
#define QUOIN_DIALECTS_QUOIN_BLOCKMASK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace quoin {

/// A query or a key: the properties that a formula may ask for.
struct MaskToken {
  int64_t position = 0;
  int64_t slot = 0;
  int64_t open = 0;
  int64_t label = 0;
};

/// All integers from `low` to `high`, both included.
struct Interval {
  int64_t low = 0;
  int64_t high = 0;
};

/// A set of queries or keys: one interval per property.
struct MaskBox {
  Interval position, slot, open, label;
};

/// What is known of a formula over a box of pairs.
enum class Tile : uint8_t { Empty = 0, Partial = 1, Full = 2 };

/// Labels that are known when the mask is written: one per slot.
struct LabelArray {
  std::string name;
  std::vector<int64_t> values; ///< at least one
  int64_t at(int64_t slot) const {
    auto last = static_cast<int64_t>(values.size()) - 1;
    return values[static_cast<size_t>(slot < 0 ? 0 : slot > last ? last : slot)];
  }
  bool operator==(const LabelArray &o) const { return name == o.name && values == o.values; }
};

class BlockMask {
public:
  enum class Op : uint8_t {
    // Integers.
    QueryPosition,
    KeyPosition,
    QuerySlot,
    KeySlot,
    QueryOpen,
    KeyOpen,
    QueryLabel,
    KeyLabel,
    QueryArray, // value: which
    KeyArray,
    Symbol,   // value: which
    Constant, // value
    Add,
    Sub,
    Mul,
    FloorDiv,
    Mod, // by the constant `value`; FloorDiv and Mod by a positive one
    // Truth values.
    Le,
    Lt,
    Ge,
    Gt,
    Eq,
    Ne,
    And,
    Or,
    Not,
  };
  struct Node {
    Op op;
    int64_t value = 0;
    int32_t lhs = -1; // operands: indices of earlier nodes, -1 if absent
    int32_t rhs = -1;
    bool operator==(const Node &o) const { return op == o.op && value == o.value && lhs == o.lhs && rhs == o.rhs; }
  };

  BlockMask() = default;
  /// Nodes in order of evaluation, the last is the root, a truth value; names of the symbols.
  BlockMask(std::vector<Node> nodes, std::vector<std::string> symbols, std::vector<LabelArray> arrays = {});

  llvm::ArrayRef<Node> nodes() const { return formula; }
  llvm::ArrayRef<std::string> symbols() const { return names; }
  llvm::ArrayRef<LabelArray> arrays() const { return labels; }
  int32_t root() const { return static_cast<int32_t>(formula.size()) - 1; }

  /// Masks that have names of their own.
  static BlockMask causal();
  static BlockMask full();
  static BlockMask blockCausal(int64_t block);
  static BlockMask window(int64_t width);

  /// The pairs of this mask that another one has, too, which has neither symbols nor arrays.
  BlockMask within(const BlockMask &other) const;

  /// True if nodes of this kind occur.
  bool uses(Op op) const;
  /// True if the formula asks for `open` of a query or a key.
  bool usesOpen() const { return uses(Op::QueryOpen) || uses(Op::KeyOpen); }
  static bool isPredicate(Op op) { return op >= Op::Le; }

  /// May `q` see `k`? `values` are the symbols'.
  bool see(const MaskToken &q, const MaskToken &k, llvm::ArrayRef<int64_t> values) const;
  /// Sound, not complete: Empty and Full are proofs over the whole box.
  Tile classify(const MaskBox &q, const MaskBox &k, llvm::ArrayRef<int64_t> values) const;

  /// Parses the text between the angle brackets of `#quoin.mask<...>`, or gives an error that names the term.
  static std::optional<BlockMask> parse(llvm::StringRef text, std::string &error);
  /// Prints the text between the angle brackets.
  void print(llvm::raw_ostream &os) const;
  /// The text of one node and what it is made of.
  std::string term(int32_t node) const;

  /// The same mask with its label arrays in `label(q)` and `label(k)`: they become one array, the label of slot i its
  /// i-th value. Nothing, with an error, if the formula asks for labels of the program too or the arrays do not fit 31
  /// bits together.
  std::optional<BlockMask> foldArrays(std::vector<int32_t> &labelOfSlot, std::string &error) const;

  bool operator==(const BlockMask &o) const { return formula == o.formula && names == o.names && labels == o.labels; }
  friend llvm::hash_code hash_value(const BlockMask &mask);

private:
  void printNode(llvm::raw_ostream &os, int32_t index, int parent) const;

  std::vector<Node> formula;
  std::vector<std::string> names;
  std::vector<LabelArray> labels;
};

/// Floor division and the remainder that belongs to it; `d` is positive.
inline int64_t floorDivide(int64_t a, int64_t d) { return a >= 0 ? a / d : -((-(a + 1)) / d) - 1; }
inline int64_t floorModulo(int64_t a, int64_t d) { return a % d < 0 ? a % d + d : a % d; }

} // namespace quoin

#endif
