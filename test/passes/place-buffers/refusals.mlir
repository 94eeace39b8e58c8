// RUN: quoin-opt %s --quoin-place-buffers --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

!row = !stage.buffer<row, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"

// Other workers still read the rows that are multiplied when the first sums are written.
// CHECK-LABEL: stage.step @rows_that_are_multiplied_keep_their_place places [64, 64]
// CHECK: stage.product %{{.+}} by <@w> with %{{.+}} place 1
stage.step @rows_that_are_multiplied_keep_their_place {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %p = stage.product %h by <@w> with %h : !row, !row -> !row {
  ^bb0(%sum: f32, %row: f32):
    %y = arith.addf %row, %sum : f32
    quoin.number %y
  }
  %f = stage.each_row %p at %read : (!row) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}

// CHECK-LABEL: stage.step @a_row_that_is_read_again_keeps_its_place places [64, 64]
// CHECK: stage.each_row %{{.+}} places [1]
stage.step @a_row_that_is_read_again_keeps_its_place {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %a = stage.each_row %h : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>):
    %sum = arith.addf %x, %x : tensor<4xf32>
    quoin.row %sum : tensor<4xf32>
  }
  %b = stage.each_row %h, %a : (!row, !row) -> !row {
  ^bb0(%x: tensor<4xf32>, %y: tensor<4xf32>):
    %sum = arith.addf %x, %y : tensor<4xf32>
    quoin.row %sum : tensor<4xf32>
  }
  %f = stage.each_row %b at %read : (!row) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}

// The sum would go where the product beside it still reads, and where rows lie that it ends with.
// CHECK-LABEL: stage.step @products_beside_each_other_give_up_no_place
// CHECK: stage.product %{{.+}} by <@w> with %{{.+}} place 2
// CHECK: stage.product beside %{{.+}} by <@w> with %{{.+}} place 3
stage.step @products_beside_each_other_give_up_no_place {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %o = stage.each_row %h : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>):
    %sum = arith.addf %x, %x : tensor<4xf32>
    quoin.row %sum : tensor<4xf32>
  }
  %a = stage.product %h by <@w> with %o : !row, !row -> !row {
  ^bb0(%sum: f32, %row: f32):
    %y = arith.addf %row, %sum : f32
    quoin.number %y
  }
  %b = stage.product beside %h by <@w> with %o : !row, !row -> !row {
  ^bb0(%sum: f32, %row: f32):
    %y = arith.mulf %row, %sum : f32
    quoin.number %y
  }
  %s = stage.each_row %a, %b : (!row, !row) -> !row {
  ^bb0(%x: tensor<4xf32>, %z: tensor<4xf32>):
    %sum = arith.addf %x, %z : tensor<4xf32>
    quoin.row %sum : tensor<4xf32>
  }
  %f = stage.each_row %s at %read : (!row) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}

// CHECK-LABEL: stage.step @places_stay places [128]
// REMARK: [Missed] Places | {{.*}}the step has places already
stage.step @places_stay places [128] page 0 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %f = stage.each_row %h at %read : (!row) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}
