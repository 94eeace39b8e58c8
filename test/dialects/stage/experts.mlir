// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"

// CHECK-LABEL: stage.step @body
// CHECK: %[[C:.+]] = stage.each_row %{{.+}} : (!stage.buffer<row, 4xf32>) -> !stage.buffer<row, 2xi32> {
// CHECK: %[[W:.+]] = stage.experts %{{.+}} to %[[C]] by <@w> : !stage.buffer<row, 4xf32>, !stage.buffer<row, 2xi32> -> !stage.buffer<row, 10xf32>
// CHECK: stage.experts barrier %{{.+}} to %[[C]] by <[@w, @u] as f32 in #stage.stack<3 x 5 x 4> at 512> place 1 : !stage.buffer<row, 4xf32>, !stage.buffer<row, 2xi32> -> !stage.buffer<row, 10xf32>
// CHECK: stage.experts %[[W]] to %[[C]] by <@d as bf16> : !stage.buffer<row, 10xf32>, !stage.buffer<row, 2xi32> -> !stage.buffer<row, 8xf32>
// CHECK: stage.each_row %[[C]] at %read : (!stage.buffer<row, 2xi32>) -> !stage.buffer<read, 2xi32>
stage.step @body places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  %1 = stage.experts %0 to %c by <@w> : !row, !choice -> !each
  %2 = stage.experts barrier %0 to %c by <[@w, @u] as f32 in #stage.stack<3 x 5 x 4> at 512> place 1 : !row, !choice -> !each {
  ^bb0(%gate: f32, %up: f32):
    %y = arith.mulf %gate, %up : f32
    quoin.number %y
  }
  %3 = stage.experts %1 to %c by <@d as bf16> : !each, !choice -> !stage.buffer<row, 8xf32>
  %r = stage.each_row %c at %read : (!choice) -> !stage.buffer<read, 2xi32> {
  ^bb0(%row: tensor<2xi32>):
    quoin.row %row : tensor<2xi32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}
