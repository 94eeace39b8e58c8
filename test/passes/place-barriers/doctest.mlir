// RUN: quoin-opt %s --quoin-place-barriers | FileCheck %s
// RUN: quoin-opt %s --quoin-place-barriers --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"

// Rows after rows need none. A product reads rows of all workers; what follows it, too, reads tiles of others. Attention waits for words and
// pages, a gather for rows of others, rows that are read for nobody but a gather.
// CHECK-LABEL: stage.step @step
// CHECK: stage.masks{{$}}
// CHECK: stage.each_row %ids tables
// CHECK: stage.each_row %
// CHECK: stage.product barrier
// CHECK: stage.each_row barrier
// CHECK: stage.cache %
// CHECK: stage.attend barrier
// CHECK: stage.each_row barrier
// CHECK: stage.each_row %
// COUNT: place-barriers num-barriers 4
// COUNT: place-barriers num-stages-without 6
stage.step @step places [64, 64, 64] page 8192 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %s = stage.each_row %h places [0] : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>):
    %sum = arith.addf %x, %x : tensor<4xf32>
    quoin.row %sum : tensor<4xf32>
  }
  %p = stage.product %s by <@w> place 1 : !row -> !row
  %t = stage.each_row %p places [1] : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>):
    %sum = arith.addf %x, %x : tensor<4xf32>
    quoin.row %sum : tensor<4xf32>
  }
  %kv = stage.cache %t, %t at 0 : !row, !row -> !stage.pages<1x4xf32>
  %a = stage.attend %t, %kv under %words heads 1 scale 0.5 place 2 : !row, !stage.pages<1x4xf32> -> !row
  %r = stage.each_row %a at %read places [0] : (!row) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %u = stage.each_row %r places [0] : (!read) -> !read {
  ^bb0(%x: tensor<4xf32>):
    %sum = arith.addf %x, %x : tensor<4xf32>
    quoin.row %sum : tensor<4xf32>
  }
  %f = stage.each_row %u : (!read) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}
