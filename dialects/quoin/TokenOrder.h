//===- TokenOrder.h - tokens in another order --------------------------------===//
//
// Attention does not care in which order tokens lie in memory, as long as their positions and labels travel with them:
// it is equivariant under permutations. Its cost does care: tiles are cut from slots, and a good order gathers what is
// seen into few tiles.
//
// An order of n tokens is a permutation of 0 .. n-1: slot i holds token `at(i)`. Orders come from sorting tokens stably
// by keys (PositionKey.h has those of the field); `inverse` puts sorted rows back; an order and its inverse, one after
// the other, are the identity.
//
// No IR types; printed as runs: `0 to 3, 8, 1 to 7 by 3` stands for 0, 1, 2, 3, 8, 1, 4, 7.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_TOKENORDER_H
#define QUOIN_DIALECTS_QUOIN_TOKENORDER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Hashing.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quoin {

class TokenOrder {
public:
  TokenOrder() = default;
  /// Nothing, with an error, unless each of 0 .. n-1 stands in the list once.
  static std::optional<TokenOrder> fromList(std::vector<int64_t> tokens, std::string &error);
  static TokenOrder identity(int64_t size);
  /// Tokens in ascending order of their keys, ties as they were.
  static TokenOrder sortedBy(llvm::ArrayRef<int64_t> keys);

  int64_t size() const { return static_cast<int64_t>(tokens.size()); }
  /// The token at slot i.
  int64_t at(int64_t slot) const { return tokens[static_cast<size_t>(slot)]; }
  llvm::ArrayRef<int64_t> list() const { return tokens; }
  bool isIdentity() const;
  TokenOrder inverse() const;
  /// This order of what `first` has put in order. Both have one size.
  TokenOrder after(const TokenOrder &first) const;
  template <typename T> std::vector<T> apply(llvm::ArrayRef<T> values) const {
    std::vector<T> r;
    for (int64_t token : tokens)
      r.push_back(values[static_cast<size_t>(token)]);
    return r;
  }
  std::string print() const;

  bool operator==(const TokenOrder &o) const { return tokens == o.tokens; }
  friend llvm::hash_code hash_value(const TokenOrder &order) { return llvm::hash_combine_range(order.tokens); }

private:
  std::vector<int64_t> tokens;
};

} // namespace quoin

#endif
