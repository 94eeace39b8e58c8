// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @the_next_number
// CHECK: quoin.evaluation
func.func @the_next_number() {
  %e = quoin.evaluation
  return
}
