// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK: quoin.weight @matrix : tensor<8x4xbf16> from "a.safetensors" tensor "x.weight"
quoin.weight @matrix : tensor<8x4xbf16> from "a.safetensors" tensor "x.weight"

// CHECK: quoin.weight @stacked : tensor<3x8x4xf32> from "model.safetensors.index.json" tensor "experts"
quoin.weight @stacked : tensor<3x8x4xf32> from "model.safetensors.index.json" tensor "experts"

// CHECK: quoin.weight @gathered : tensor<3x8x4xf32> from "a.safetensors" tensor "experts.*.weight"
quoin.weight @gathered : tensor<3x8x4xf32> from "a.safetensors" tensor "experts.*.weight"

// CHECK: quoin.weight @vector : tensor<8xf16>
quoin.weight @vector : tensor<8xf16> from "a.safetensors" tensor "y"

// CHECK: quoin.weight @slice : tensor<8x4xf32> from "a.safetensors" tensor "qkv" stored [24, 4] at_row 16
quoin.weight @slice : tensor<8x4xf32> from "a.safetensors" tensor "qkv" stored [24, 4] at_row 16

// CHECK: quoin.weight @kernel : tensor<6x4xf32> from "a.safetensors" tensor "kernel" stored [4, 3, 2] transposed
quoin.weight @kernel : tensor<6x4xf32> from "a.safetensors" tensor "kernel" stored [4, 3, 2] transposed

// CHECK: quoin.weight @noted : tensor<8x4xf32> from "a.safetensors" tensor "x" {note = 3 : i64}
quoin.weight @noted : tensor<8x4xf32> from "a.safetensors" tensor "x" {note = 3 : i64}

// CHECK: quoin.weight @filter : tensor<2x3x4x5xf32>
quoin.weight @filter : tensor<2x3x4x5xf32> from "a.safetensors" tensor "filter"

// CHECK: quoin.weight @grown : tensor<8x4xf32> by [@matrix, @vector] {
// CHECK-NEXT: ^bb0(%{{.+}}: index, %{{.+}}: index, %{{.+}}: tensor<8x4xf64>, %{{.+}}: tensor<8xf64>):
// CHECK: quoin.element %{{.+}}
quoin.weight @grown : tensor<8x4xf32> by [@matrix, @vector] {
^bb0(%i: index, %j: index, %matrix: tensor<8x4xf64>, %vector: tensor<8xf64>):
  %x = tensor.extract %matrix[%i, %j] : tensor<8x4xf64>
  %s = tensor.extract %vector[%i] : tensor<8xf64>
  %y = arith.mulf %x, %s : f64
  quoin.element %y
}

// CHECK: quoin.weight @rows : tensor<3xbf16> by [@vector] attributes {note} {
// CHECK-NEXT: ^bb0(%[[ROW:.+]]: tensor<?x8xf32>):
// CHECK: quoin.results %{{.+}} : tensor<?x3xf32>
quoin.weight @rows : tensor<3xbf16> by [@vector] attributes {note} {
^bb0(%row: tensor<?x8xf32>):
  %y = quoin.linear %row by @out : tensor<?x8xf32> -> tensor<?x3xf32>
  quoin.results %y : tensor<?x3xf32>
}
quoin.weight @out : tensor<3x8xf32> from "a.safetensors" tensor "z"

// CHECK: quoin.weight @constant : tensor<4xf32> {
quoin.weight @constant : tensor<4xf32> {
^bb0(%i: index):
  %y = arith.constant 2.0 : f64
  quoin.element %y
}
