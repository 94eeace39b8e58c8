// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: stage.step @body
// CHECK: %[[WORDS:.+]] = stage.masks
// CHECK: stage.masks barrier
// CHECK: stage.masks barrier within <(q, k) : k le q and q - k lt 6>
stage.step @body {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %again = stage.masks barrier
  %near = stage.masks barrier within #quoin.mask<window<6>>
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}
