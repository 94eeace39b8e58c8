//===- PeakLoops.h - how fast this machine multiplies and adds --------------===//
//
// Loops over registers only, for the ceilings that benchmarks print and for the choice between instructions that do the
// same work at different speeds on different machines.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_PEAKLOOPS_H
#define QUOIN_SUPPORT_PEAKLOOPS_H

namespace quoin {

/// Operations per second of one thread during `rounds` rounds of twelve instructions; a multiply-add is two operations.
/// 0 where the machine lacks the instruction.
double peakOfF32(long rounds);       ///< fused multiply-add, the widest vectors
double peakOfBf16Pairs(long rounds); ///< dot products of pairs of bf16

} // namespace quoin

#endif
