// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @positions_of_a_sequence
// CHECK: quoin.length %{{.+}}
func.func @positions_of_a_sequence(%x: !quoin.sequence) {
  %n = quoin.length %x
  return
}
