// RUN: quoin-opt %s --quoin-pack-weights | FileCheck %s

// Two models share a file: what is the same lies there once, the rest behind what the first one has. The embedding is the
// first one's head, so its rows are read from the tiles, in the second one, too.
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @h : tensor<8x4xf32> from "model.safetensors" tensor "h"
// CHECK-LABEL: stage.step @first
// CHECK: stage.each_row %ids {{.*}}tables [#stage.weight<@e as f32 in #stage.tiles<8 x 4> at 0>
// CHECK: stage.head {{.*}} by <@e as f32 in #stage.tiles<8 x 4> at 0>
stage.step @first {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e as f32>] of [0] : (!stage.buffer<row, 1xi32>) -> !stage.buffer<row, 4xf32> {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %f = stage.each_row %h at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e as f32> : !stage.buffer<host, 4xf32>
}
// CHECK-LABEL: stage.step @second
// CHECK: stage.each_row %ids {{.*}}tables [#stage.weight<@e as f32 in #stage.tiles<8 x 4> at 0>
// CHECK: stage.head {{.*}} by <@h as f32 in #stage.tiles<8 x 4> at 1024>
stage.step @second {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e as f32>] of [0] : (!stage.buffer<row, 1xi32>) -> !stage.buffer<row, 4xf32> {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %f = stage.each_row %h at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@h as f32> : !stage.buffer<host, 4xf32>
}
