// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @find_stop_of_a_range
// CHECK: quoin.find_stop %{{.+}}[%{{.+}} to %{{.+}}]
func.func @find_stop_of_a_range(%x: !quoin.sequence, %a: index, %b: index) {
  %r = quoin.find_stop %x[%a to %b]
  return
}
