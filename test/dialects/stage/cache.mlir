// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: stage.step @body
// CHECK: stage.cache %{{.+}}, %{{.+}} : !stage.buffer<row, 4xf32>, !stage.buffer<row, 4xf32> -> !stage.pages<2x2xf32>
// CHECK: stage.cache barrier %{{.+}}, %{{.+}} at 0 : !stage.buffer<row, 4xf32>, !stage.buffer<row, 4xf32> -> !stage.pages<1x4xbf16>
stage.step @body page 4096 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %1 = stage.cache %0, %0 : !row, !row -> !stage.pages<2x2xf32>
  %2 = stage.cache barrier %0, %0 at 0 : !row, !row -> !stage.pages<1x4xbf16>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}
