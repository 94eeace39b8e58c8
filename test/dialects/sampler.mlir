// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK: module attributes {test.drawn = #quoin.sampler<temperature, top_k, top_p>,
// CHECK-SAME: test.raw = #quoin.sampler<raw_confidence, top_p_below>,
// CHECK-SAME: test.surest = #quoin.sampler<without_fill, top_p_below, greedy, filtered_confidence>}
module attributes {
  test.drawn = #quoin.sampler<temperature, top_k, top_p>,
  test.surest = #quoin.sampler<without_fill, top_p_below, greedy, filtered_confidence>,
  test.raw = #quoin.sampler<raw_confidence, top_p_below>
} {}
