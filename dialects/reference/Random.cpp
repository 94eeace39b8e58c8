//===- Random.cpp - Philox4x32-10 ------------------------------------------===//

#include "dialects/reference/Random.h"

#include <cmath>

using namespace quoin::ref;

std::array<uint32_t, 4> quoin::ref::philox(std::array<uint32_t, 4> c, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t first = uint64_t(0xD2511F53) * c[0], second = uint64_t(0xCD9E8D57) * c[2];
    c = {static_cast<uint32_t>(second >> 32) ^ c[1] ^ key[0], static_cast<uint32_t>(second),
         static_cast<uint32_t>(first >> 32) ^ c[3] ^ key[1], static_cast<uint32_t>(first)};
    // Weyl sequences: the golden ratio and the square root of 3, less 1.
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return c;
}

double quoin::ref::uniform(const DrawName &name, uint32_t lane) {
  std::array<uint32_t, 2> key = {static_cast<uint32_t>(name.seed), static_cast<uint32_t>(name.seed >> 32)};
  uint32_t word = philox({lane / 4, name.evaluation, name.position, name.stream}, key)[lane % 4];
  return ((word >> 8) + 0.5) / 16777216.0;
}

double quoin::ref::gumbel(const DrawName &name, uint32_t lane) { return -std::log(-std::log(uniform(name, lane))); }
