// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// A program may make no row at all, and one operand may be its result.
// CHECK: quoin.row{{$}}
// CHECK: quoin.row %{{.+}} : tensor<4xf32>
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.each_row %0 : (tensor<?x4xf32>) -> () {
  ^bb0(%row: tensor<4xf32>):
    quoin.row
  }
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %1 : tensor<?x4xf32>
}
