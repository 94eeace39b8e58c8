//===- TokenOrder.cpp - permutations of tokens --------------------------------===//

#include "dialects/quoin/TokenOrder.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <numeric>

using namespace quoin;

std::optional<TokenOrder> TokenOrder::fromList(std::vector<int64_t> tokens, std::string &error) {
  std::vector<bool> seen(tokens.size());
  for (int64_t token : tokens) {
    if (token < 0 || token >= static_cast<int64_t>(tokens.size())) {
      error = "expects tokens below " + std::to_string(tokens.size()) + ", but found " + std::to_string(token);
      return std::nullopt;
    }
    if (seen[static_cast<size_t>(token)]) {
      error = "expects each token once, but found " + std::to_string(token) + " twice";
      return std::nullopt;
    }
    seen[static_cast<size_t>(token)] = true;
  }
  TokenOrder order;
  order.tokens = std::move(tokens);
  return order;
}

TokenOrder TokenOrder::identity(int64_t size) {
  TokenOrder order;
  order.tokens.resize(static_cast<size_t>(size));
  std::iota(order.tokens.begin(), order.tokens.end(), 0);
  return order;
}

TokenOrder TokenOrder::sortedBy(llvm::ArrayRef<int64_t> keys) {
  TokenOrder order = identity(static_cast<int64_t>(keys.size()));
  auto keyOf = [&](int64_t token) { return std::pair(keys[static_cast<size_t>(token)], token); };
  llvm::sort(order.tokens, [&](int64_t a, int64_t b) { return keyOf(a) < keyOf(b); });
  return order;
}

bool TokenOrder::isIdentity() const {
  return llvm::all_of(llvm::enumerate(tokens), [](auto e) { return static_cast<size_t>(e.value()) == e.index(); });
}

TokenOrder TokenOrder::inverse() const {
  TokenOrder r;
  r.tokens.resize(tokens.size());
  for (auto [slot, token] : llvm::enumerate(tokens))
    r.tokens[static_cast<size_t>(token)] = static_cast<int64_t>(slot);
  return r;
}

TokenOrder TokenOrder::after(const TokenOrder &first) const {
  TokenOrder r;
  r.tokens = apply(first.list());
  return r;
}

std::string TokenOrder::print() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (size_t i = 0, end; i < tokens.size(); i = end) {
    int64_t step = i + 1 < tokens.size() ? tokens[i + 1] - tokens[i] : 0;
    for (end = i + 1; step > 0 && end < tokens.size() && tokens[end] == tokens[end - 1] + step;)
      ++end;
    os << (i ? ", " : "") << tokens[i];
    if (end - i < 3) {
      end = i + 1;
      continue;
    }
    os << " to " << tokens[end - 1];
    if (step > 1)
      os << " by " << step;
  }
  return text;
}
