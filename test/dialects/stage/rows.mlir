// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: stage.step @body
// CHECK: stage.rows #stage.embed(%{{.+}}) by <@e> : (!stage.buffer<row, 1xi32>) -> !stage.buffer<row, 4xf32>
// CHECK: stage.rows barrier #stage.embed(%{{.+}}) by <@e as bf16 in #stage.table<8 x 4> at 384> place 0 :
stage.step @body places [64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  %1 = stage.rows barrier #stage.embed(%ids) by <@e as bf16 in #stage.table<8 x 4> at 384> place 0 : (!stage.buffer<row, 1xi32>) -> !row
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}
