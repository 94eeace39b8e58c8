//===- Random.h - random numbers by name -----------------------------------===//
//
// A draw must not depend on what was drawn before it, or batching, another target or a pass that moves a call would
// change it. So there is no generator with a state: each number has a name (seed, stream, evaluation, position, lane),
// and Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011) turns the name into the number. The key is the seed's two
// halves, the counter is (lane div 4, evaluation, position, stream), and lane mod 4 says which of the four words it is.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_RANDOM_H
#define QUOIN_DIALECTS_REFERENCE_RANDOM_H

#include <array>
#include <cstdint>

namespace quoin::ref {

/// Ten rounds of Philox4x32.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// All of a number's name but its lane.
struct DrawName {
  uint64_t seed = 0;
  uint32_t evaluation = 0;
  uint32_t position = 0;
  uint32_t stream = 0;
};

/// Streams that have a use of their own; programs name others.
enum Stream : uint32_t { tokenStream = 0, acceptStream = 1, residualStream = 2, positionStream = 3 };

/// In (0, 1): the middle of one of 2^24 equal intervals.
double uniform(const DrawName &name, uint32_t lane);

/// -log(-log u): the largest of `log p_v + gumbel(v)` is a draw from p (Gumbel-max).
double gumbel(const DrawName &name, uint32_t lane);

} // namespace quoin::ref

#endif
