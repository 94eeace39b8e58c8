// RUN: quoin-opt %s --quoin-assign-storage='pairs=true' --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: quoin-opt %s --quoin-assign-storage | FileCheck %s --check-prefix=WIDE

!row = !stage.buffer<row, 4xf32>
quoin.weight @e : tensor<8x4xf16> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @w : tensor<4x4xbf16> from "model.safetensors" tensor "w"

// One more reader needs f32. On a target without products of pairs, nothing is narrowed; the head is f16, so pages are f32.
// CHECK-LABEL: stage.step @rows_that_others_read_stay_wide
// CHECK: %[[N:.+]] = stage.product %{{.+}} by <@w as bf16> : !stage.buffer<row, 4xbf16> -> !stage.buffer<row, 4xf32>
// CHECK: %[[C:.+]] = stage.each_row %[[N]] : (!stage.buffer<row, 4xf32>) -> !stage.buffer<row, 4xbf16>
// CHECK: stage.product %[[C]] by <@w as bf16> with %[[N]]
// CHECK: -> !stage.pages<1x4xf32>
// CHECK: stage.head %{{.+}} by <@e as f16> :
// REMARK: [Missed] Narrow | {{.*}}it is copied
// WIDE-LABEL: stage.step @rows_that_others_read_stay_wide
// WIDE-NOT: xbf16>
// WIDE: stage.product %{{.+}} by <@w as bf16> with %{{.+}} : !stage.buffer<row, 4xf32>, !stage.buffer<row, 4xf32>
stage.step @rows_that_others_read_stay_wide {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %n = stage.product %h by <@w> : !row -> !row
  %p = stage.product %n by <@w> with %n : !row, !row -> !row {
  ^bb0(%sum: f32, %row: f32):
    %y = arith.addf %row, %sum : f32
    quoin.number %y
  }
  %kv = stage.cache %p, %p : !row, !row -> !stage.pages<1x4xf32>
  %f = stage.each_row %p at %read : (!row) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}

// A group is computed in lanes of 16: what is stored behind the last one of a row may be the next row, which another worker has.
