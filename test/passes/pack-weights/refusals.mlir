// RUN: quoin-opt %s --quoin-pack-weights --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
// CHECK-LABEL: stage.step @what_is_packed_stays
// CHECK: stage.head %{{.+}} by <@e as f32 in #stage.tiles<8 x 4> at 640>
// REMARK: [Missed] Weights | {{.*}}they lie in a file already
stage.step @what_is_packed_stays {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e as f32 in #stage.table<8 x 4> at 0>] of [0] : (!stage.buffer<row, 1xi32>) -> !stage.buffer<row, 4xf32> {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %f = stage.each_row %h at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e as f32 in #stage.tiles<8 x 4> at 640> : !stage.buffer<host, 4xf32>
}
