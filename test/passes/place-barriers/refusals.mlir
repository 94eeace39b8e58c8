// RUN: quoin-opt %s --quoin-place-barriers --split-input-file --verify-diagnostics | FileCheck %s

!row = !stage.buffer<row, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// One that was there and is not needed goes: barriers are what this pass decides.
// CHECK-LABEL: stage.step @rows_after_rows_need_none
// CHECK-NOT: stage.each_row barrier
// CHECK: stage.move barrier
stage.step @rows_after_rows_need_none places [64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.rows #stage.embed(%ids) by <@e> place 0 : (!stage.buffer<row, 1xi32>) -> !row
  %s = stage.each_row barrier %h places [0] : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>):
    %sum = arith.addf %x, %x : tensor<4xf32>
    quoin.row %sum : tensor<4xf32>
  }
  %f = stage.move %s at %read : !row -> !stage.buffer<host, 4xf32>
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @places_come_first {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects buffers that have places, but found one without}}
  %h = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !stage.buffer<row, 4xf32>
  %f = stage.move %h at %read : !stage.buffer<row, 4xf32> -> !stage.buffer<host, 4xf32>
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}
