// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @open_positions_with_and_without_a_label
// CHECK: quoin.extend %{{.+}} by %{{.+}}{{$}}
// CHECK: quoin.extend %{{.+}} by %{{.+}} label %{{.+}}
func.func @open_positions_with_and_without_a_label(%x: !quoin.sequence, %n: index, %l: index) {
  %y = quoin.extend %x by %n
  %z = quoin.extend %y by %n label %l
  return
}
