// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @first_open_of_a_range
// CHECK: quoin.first_open %{{.+}}[%{{.+}} to %{{.+}}]
func.func @first_open_of_a_range(%x: !quoin.sequence, %a: index, %b: index) {
  %r = quoin.first_open %x[%a to %b]
  return
}
