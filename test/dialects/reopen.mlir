// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @a_second_sequence
// CHECK: quoin.reopen %{{.+}}[%{{.+}} to %{{.+}}]
func.func @a_second_sequence(%x: !quoin.sequence, %a: index, %b: index) {
  %y = quoin.reopen %x[%a to %b]
  return
}
