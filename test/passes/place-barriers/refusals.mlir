// RUN: quoin-opt %s --quoin-place-barriers --split-input-file --verify-diagnostics | FileCheck %s

!row = !stage.buffer<row, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// One that was there and is not needed goes: barriers are what this pass decides.
// CHECK-LABEL: stage.step @rows_after_rows_need_none
// CHECK-NOT: stage.each_row barrier
// CHECK: stage.each_row barrier
stage.step @rows_after_rows_need_none places [64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %s = stage.each_row barrier %h places [0] : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>):
    %sum = arith.addf %x, %x : tensor<4xf32>
    quoin.row %sum : tensor<4xf32>
  }
  %f = stage.each_row %s at %read : (!row) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @places_come_first {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects buffers that have places, but found one without}}
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !stage.buffer<row, 4xf32> {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %f = stage.each_row %h at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}

// -----

!row = !stage.buffer<row, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"
stage.step @products_beside_each_other_lie_apart places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %a = stage.product %h by <@w> place 1 : !row -> !row
  // expected-error @+1 {{expects places that no product beside it writes, but found one}}
  %b = stage.product beside %h by <@w> place 1 : !row -> !row
  %f = stage.each_row %b at %read : (!row) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}
