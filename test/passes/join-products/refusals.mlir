// RUN: quoin-opt %s --quoin-join-products --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

!row = !stage.buffer<row, 64xf32>
quoin.weight @e : tensor<8x64xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<64x64xf32> from "model.safetensors" tensor "w"

// The second product of the rows ends with what is made of the first one, and the third is one of other rows.
// CHECK-LABEL: stage.step @what_needs_the_other_stays_behind_it
// CHECK-NOT: beside
// REMARK: [Missed] Products | {{.*}}it ends with rows that are made behind the product of the same rows
stage.step @what_needs_the_other_stays_behind_it {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  %a = stage.product %h by <@w> : !row -> !row
  %b = stage.product %h by <@w> with %a : !row, !row -> !row {
  ^bb0(%sum: f32, %row: f32):
    %y = arith.addf %row, %sum : f32
    quoin.number %y
  }
  %c = stage.product %b by <@w> : !row -> !row
  %f = stage.each_row %c at %read : (!row) -> !stage.buffer<host, 64xf32> {
  ^bb0(%row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 64xf32>
}
