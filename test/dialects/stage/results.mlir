// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @w : tensor<3x4xf32> from "model.safetensors" tensor "w"
// CHECK-LABEL: stage.step @columns_in_rows_out
// CHECK: %[[X:.+]]: !stage.buffer<row, 4xf32>):
// CHECK: stage.results %{{.+}}, %{{.+}} : !stage.buffer<host, 3xf32>, !stage.buffer<host, 4xf32>
stage.step @columns_in_rows_out {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %x: !stage.buffer<row, 4xf32>):
  %0 = stage.product %x by <@w> : !stage.buffer<row, 4xf32> -> !stage.buffer<row, 3xf32>
  %1 = stage.each_row %0 at %read : (!stage.buffer<row, 3xf32>) -> !stage.buffer<host, 3xf32> {
  ^bb0(%row: tensor<3xf32>):
    quoin.row %row : tensor<3xf32>
  }
  %2 = stage.each_row %x at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.results %1, %2 : !stage.buffer<host, 3xf32>, !stage.buffer<host, 4xf32>
}
