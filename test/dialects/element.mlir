// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: quoin.weight @halves
// CHECK: quoin.element %{{.+}}{{$}}
quoin.weight @halves : tensor<4xf32> {
^bb0(%i: index):
  %half = arith.constant 0.5 : f64
  quoin.element %half
}
