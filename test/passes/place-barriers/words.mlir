// Words have one place: new ones wait until all workers have looked at those before, and who looks at them waits for the new ones.
// RUN: quoin-opt %s --quoin-place-barriers | FileCheck %s

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: stage.step @step
// CHECK: stage.masks{{$}}
// CHECK: stage.cache
// CHECK: stage.attend barrier
// CHECK: stage.masks barrier within
// CHECK: stage.attend barrier
stage.step @step places [64, 64, 64] page 8192 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %kv = stage.cache %h, %h at 0 : !row, !row -> !stage.pages<1x4xf32>
  %a = stage.attend %h, %kv under %words heads 1 scale 0.5 place 1 : !row, !stage.pages<1x4xf32> -> !row
  %near = stage.masks within #quoin.mask<window<6>>
  %b = stage.attend %h, %kv under %near heads 1 scale 0.5 place 2 : !row, !stage.pages<1x4xf32> -> !row
  %f = stage.each_row %b at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e> : !host
}
