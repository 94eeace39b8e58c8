// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @open_of_a_range
// CHECK: quoin.open %{{.+}}[%{{.+}} to %{{.+}}]
func.func @open_of_a_range(%x: !quoin.sequence, %a: index, %b: index) {
  %r = quoin.open %x[%a to %b]
  return
}
