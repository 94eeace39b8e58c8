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
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e as bf16> narrow : !host
}

quoin.weight @b : tensor<8xf32> from "model.safetensors" tensor "b"

// CHECK-LABEL: stage.step @bias_and_results
// CHECK: stage.head %[[H:.+]] by <@e> bias <@b> results %[[R:.+]] : !stage.buffer<host, 4xf32>, !stage.buffer<host, 4xf32>
stage.step @bias_and_results {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %once: !stage.buffer<sequence, 4xf32>):
  %0 = stage.rows #stage.embed(%positions) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  %1 = stage.move %once : !stage.buffer<sequence, 4xf32> -> !row
  %h = stage.move %0 at %read : !row -> !host
  %r = stage.move %1 at %read : !row -> !host
  stage.head %h by <@e> bias <@b> results %r : !host, !host
}
