// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<4x4xf32> from "model.safetensors" tensor "u"
quoin.weight @b : tensor<4xf32> from "model.safetensors" tensor "b"

// CHECK-LABEL: stage.step @body
// CHECK: stage.product %{{.+}} by <@w> : !stage.buffer<row, 4xf32> -> !stage.buffer<row, 4xf32>
// CHECK: stage.product barrier %{{.+}} by <@w as f32 in #stage.tiles<4 x 4> at 512> bias <@b as f32 in #stage.line<4> at 256> with %{{.+}} place 1 : !stage.buffer<row, 4xf32>, !stage.buffer<row, 4xf32> -> !stage.buffer<row, 4xf32> {
// CHECK-NEXT: ^bb0(%[[SUM:.+]]: f32, %[[ROW:.+]]: f32):
// CHECK-NEXT: %[[Y:.+]] = arith.addf %[[ROW]], %[[SUM]] : f32
// CHECK-NEXT: quoin.number %[[Y]]
// CHECK: stage.product %{{.+}} by <[@w, @u] as bf16> : !stage.buffer<row, 4xf32> -> !stage.buffer<row, 4xbf16> {
// CHECK: stage.product %{{.+}} by <@w as bf16> : !stage.buffer<row, 4xbf16> -> !stage.buffer<row, 4xf32>
// CHECK: stage.product beside %{{.+}} by <@u as bf16> bias <@b> : !stage.buffer<row, 4xbf16> -> !stage.buffer<row, 4xf32>
stage.step @body places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %1 = stage.product %0 by <@w> : !row -> !row
  %2 = stage.product barrier %1 by <@w as f32 in #stage.tiles<4 x 4> at 512> bias <@b as f32 in #stage.line<4> at 256> with %0 place 1 : !row, !row -> !row {
  ^bb0(%sum: f32, %row: f32):
    %y = arith.addf %row, %sum : f32
    quoin.number %y
  }
  %3 = stage.product %0 by <[@w, @u] as bf16> : !row -> !stage.buffer<row, 4xbf16> {
  ^bb0(%gate: f32, %up: f32):
    %y = arith.mulf %gate, %up : f32
    quoin.number %y
  }
  %4 = stage.product %3 by <@w as bf16> : !stage.buffer<row, 4xbf16> -> !row
  %5 = stage.product beside %3 by <@u as bf16> bias <@b> : !stage.buffer<row, 4xbf16> -> !row
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}
