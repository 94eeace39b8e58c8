// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @r : tensor<3x2x2xf32> from "model.safetensors" tensor "r"

// CHECK-LABEL: stage.step @body
// CHECK: stage.scan %{{.+}} with [#stage.weight<@r>] heads 2 along [0, 1, 0] : (!stage.buffer<row, 4xf32>) -> !stage.buffer<row, 4xf32> {
// CHECK: stage.scan barrier %{{.+}} with [#stage.weight<@r as f32 in #stage.heads<[3, 2, 2], 3 x 2 x 2> at 128>] from %{{.+}} heads 2 along [0, 0, 1, 0] places [1] :
// CHECK-SAME: (!stage.buffer<row, 4xf32>, !stage.buffer<row, 4xf32>) -> !stage.buffer<row, 4xf32> {
stage.step @body places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %1 = stage.scan %0 with [#stage.weight<@r>] heads 2 along [0, 1, 0] : (!row) -> !row {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>, %r: tensor<3x2xf32>):
    %y = arith.addf %s, %x : tensor<2xf32>
    quoin.row %y, %y : tensor<2xf32>, tensor<2xf32>
  }
  %2 = stage.each_row %1 places [0] : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>):
    %sum = arith.addf %x, %x : tensor<4xf32>
    quoin.row %sum : tensor<4xf32>
  }
  %3 = stage.scan barrier %2 with [#stage.weight<@r as f32 in #stage.heads<[3, 2, 2], 3 x 2 x 2> at 128>] from %2 heads 2 along [0, 0, 1, 0] places [1] : (!row, !row) -> !row {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>, %r: tensor<3x2xf32>):
    %y = arith.addf %s, %x : tensor<2xf32>
    quoin.row %y, %y : tensor<2xf32>, tensor<2xf32>
  }
  %h = stage.each_row %3 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// Along what rows see: the last result has the states behind each row.
// CHECK-LABEL: stage.step @tree
// CHECK: stage.scan %{{.+}} under %{{.+}} heads 2 kept 64 : (!stage.buffer<row, 4xf32>, !stage.words) -> (!stage.buffer<row, 4xf32>, !stage.buffer<row, 64xf32>) {
stage.step @tree {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %w = stage.masks
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %1, %states = stage.scan %0 under %w heads 2 kept 64 : (!row, !stage.words) -> (!row, !stage.buffer<row, 64xf32>) {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    %y = arith.addf %s, %x : tensor<2xf32>
    quoin.row %y, %y : tensor<2xf32>, tensor<2xf32>
  }
  %h = stage.each_row %1 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}
