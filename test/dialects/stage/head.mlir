// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: stage.step @body
// CHECK: stage.head %{{.+}} by <@e as bf16> narrow : !stage.buffer<host, 4xf32>
stage.step @body {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e as bf16> narrow : !host
}

quoin.weight @b : tensor<8xf32> from "model.safetensors" tensor "b"

// CHECK-LABEL: stage.step @bias_and_results
// CHECK: stage.head %[[H:.+]] by <@e> bias <@b> results %[[R:.+]] : !stage.buffer<host, 4xf32>, !stage.buffer<host, 4xf32>
stage.step @bias_and_results {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %once: !stage.buffer<sequence, 4xf32>):
  %0 = stage.each_row %positions tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %1 = stage.each_row %once : (!stage.buffer<sequence, 4xf32>) -> !row {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %r = stage.each_row %1 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> bias <@b> results %r : !host, !host
}
