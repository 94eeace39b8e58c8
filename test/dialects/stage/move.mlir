// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: stage.step @body
// CHECK: stage.move %{{.+}} at %{{.+}} : !stage.buffer<row, 4xf32> -> !stage.buffer<read, 4xf32>
// CHECK: stage.move barrier %{{.+}} place 0 : !stage.buffer<read, 4xf32> -> !stage.buffer<read, 4xbf16>
// CHECK: stage.move %{{.+}} : !stage.buffer<read, 4xf32> -> !stage.buffer<host, 4xf32>
stage.step @body places [64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  %1 = stage.move %0 at %read : !row -> !read
  %2 = stage.move barrier %1 place 0 : !read -> !stage.buffer<read, 4xbf16>
  %3 = stage.move %1 : !read -> !host
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}
