//===- MaskArrays.cpp - several label arrays as one --------------------------===//
//
// Compiled masks look up one label per slot. Arrays a, b, .. of a formula are therefore packed into one: each value,
// counted from the smallest of its array, is a digit of the label in a mixed radix, and `a(k)` becomes the digit taken
// out again by `floordiv` and `mod`.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/BlockMask.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace quoin;
using Op = BlockMask::Op;

std::optional<BlockMask> BlockMask::foldArrays(std::vector<int32_t> &labelOfSlot, std::string &error) const {
  for (Op op : {Op::QueryLabel, Op::KeyLabel})
    if (uses(op) && !labels.empty()) {
      error = "expects labels of the mask or of the program, but found '" + labels.front().name + "' and 'label'";
      return std::nullopt;
    }
  struct Digit {
    int64_t lowest, radix, weight;
  };
  std::vector<Digit> digits;
  int64_t weight = 1;
  size_t length = 0;
  for (const LabelArray &array : labels) {
    auto [low, high] = std::minmax_element(array.values.begin(), array.values.end());
    digits.push_back({*low, *high - *low + 1, weight});
    if (*high - *low >= (int64_t(1) << 31) / weight) {
      error = "expects label arrays of at most 2^31 combined values, but '" + array.name + "' exceeds them";
      return std::nullopt;
    }
    weight *= digits.back().radix;
    length = std::max(length, array.values.size());
  }
  labelOfSlot.assign(length, 0);
  for (auto [array, digit] : llvm::zip_equal(labels, digits))
    for (size_t i = 0; i < length; ++i)
      labelOfSlot[i] += static_cast<int32_t>((array.at(static_cast<int64_t>(i)) - digit.lowest) * digit.weight);

  std::vector<Node> nodes;
  std::vector<int32_t> moved; // where each node went
  auto add = [&](Node n) {
    nodes.push_back(n);
    return static_cast<int32_t>(nodes.size()) - 1;
  };
  for (Node n : formula) {
    if (n.op == Op::QueryArray || n.op == Op::KeyArray) {
      const Digit &digit = digits[static_cast<size_t>(n.value)];
      int32_t value = add({n.op == Op::QueryArray ? Op::QueryLabel : Op::KeyLabel});
      if (digit.weight > 1)
        value = add({Op::FloorDiv, digit.weight, value});
      if (digit.weight * digit.radix < weight)
        value = add({Op::Mod, digit.radix, value});
      if (digit.lowest != 0)
        value = add({Op::Add, 0, value, add({Op::Constant, digit.lowest})});
      moved.push_back(value);
      continue;
    }
    n.lhs = n.lhs < 0 ? n.lhs : moved[static_cast<size_t>(n.lhs)];
    n.rhs = n.rhs < 0 ? n.rhs : moved[static_cast<size_t>(n.rhs)];
    moved.push_back(add(n));
  }
  return BlockMask(std::move(nodes), names);
}
