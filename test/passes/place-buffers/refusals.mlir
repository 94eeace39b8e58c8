// RUN: quoin-opt %s --quoin-place-buffers --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

!row = !stage.buffer<row, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"

// Other workers still read the rows that are multiplied when the first sums are written.
// CHECK-LABEL: stage.step @rows_that_are_multiplied_keep_their_place places [64, 64]
// CHECK: stage.product %{{.+}} by <@w> plus %{{.+}} place 1
stage.step @rows_that_are_multiplied_keep_their_place {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  %p = stage.product %h by <@w> plus %h : !row, !row -> !row
  %f = stage.move %p at %read : !row -> !stage.buffer<host, 4xf32>
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}

// CHECK-LABEL: stage.step @a_row_that_is_read_again_keeps_its_place places [64, 64]
// CHECK: #stage.add(%{{.+}}, %{{.+}}) place 1
stage.step @a_row_that_is_read_again_keeps_its_place {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  %a = stage.rows #stage.add(%h, %h) : (!row, !row) -> !row
  %b = stage.rows #stage.add(%h, %a) : (!row, !row) -> !row
  %f = stage.move %b at %read : !row -> !stage.buffer<host, 4xf32>
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}

// CHECK-LABEL: stage.step @places_stay places [128]
// REMARK: [Missed] Places | {{.*}}the step has places already
stage.step @places_stay places [128] page 0 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.rows #stage.embed(%ids) by <@e> place 0 : (!stage.buffer<row, 1xi32>) -> !row
  %f = stage.move %h at %read : !row -> !stage.buffer<host, 4xf32>
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}
