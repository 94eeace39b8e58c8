// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @a_dropped_forward
// CHECK: quoin.count_evaluation
func.func @a_dropped_forward() {
  quoin.count_evaluation
  return
}
