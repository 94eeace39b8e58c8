// RUN: quoin-opt %s --quoin-quantize='bits=4' --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s --input-file %t
// RUN: FileCheck %s --input-file %t.remarks --check-prefix=REMARK
// RUN: quoin-opt %s --quoin-quantize='bits=4' --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

!row = !stage.buffer<row, 40xf32>
!host = !stage.buffer<host, 40xf32>
quoin.weight @e : tensor<8x40xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<40x40xf32> from "model.safetensors" tensor "w"

// No group divides a depth of 40, and a stored type that is there stays.
// CHECK-LABEL: stage.step @kept
// CHECK-NOT: stage.quantize
// CHECK: stage.product %{{.+}} by <@w> : !stage.buffer<row, 40xf32>
// CHECK: stage.product %{{.+}} by <@w as f32> : !stage.buffer<row, 40xf32>
// REMARK: its stored type is decided already
// REMARK: 0 products of whole numbers
// COUNT: quantize num-products-kept 1
// COUNT: quantize num-products-quantized 0
stage.step @kept {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<40xf32>):
    quoin.row %row : tensor<40xf32>
  }
  %1 = stage.product %0 by <@w> : !row -> !row
  %2 = stage.product %1 by <@w as f32> : !row -> !row
  %h = stage.each_row %2 at %read : (!row) -> !host {
  ^bb0(%row: tensor<40xf32>):
    quoin.row %row : tensor<40xf32>
  }
  stage.head %h by <@e> : !host
}
