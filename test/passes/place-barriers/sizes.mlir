// Rows of another size in a place that a stage has just read: a worker's lie where another's lay, so the workers meet.
// RUN: quoin-opt %s --quoin-place-barriers | FileCheck %s

!wide = !stage.buffer<row, 64xf32>
!narrow = !stage.buffer<row, 16xf32>
!host = !stage.buffer<host, 64xf32>
quoin.weight @e : tensor<8x64xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<8x16xf32> from "model.safetensors" tensor "n"

// CHECK-LABEL: stage.step @step
// CHECK: %[[W:.+]] = stage.each_row %ids tables
// CHECK: %[[S:.+]] = stage.each_row %[[W]] places [1]
// CHECK: %[[N:.+]] = stage.each_row barrier %ids tables [#stage.weight<@n>] of [0] places [0]
// CHECK: stage.each_row %[[N]] places [0]
// CHECK: stage.each_row %[[S]]
stage.step @step places [256, 256] page 0 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %w = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !wide {
  ^bb0(%number: index, %row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  %s = stage.each_row %w places [1] : (!wide) -> !wide {
  ^bb0(%x: tensor<64xf32>):
    %sum = arith.addf %x, %x : tensor<64xf32>
    quoin.row %sum : tensor<64xf32>
  }
  %n = stage.each_row %ids tables [#stage.weight<@n>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !narrow {
  ^bb0(%number: index, %row: tensor<16xf32>):
    quoin.row %row : tensor<16xf32>
  }
  %t = stage.each_row %n places [0] : (!narrow) -> !narrow {
  ^bb0(%x: tensor<16xf32>):
    %sum = arith.addf %x, %x : tensor<16xf32>
    quoin.row %sum : tensor<16xf32>
  }
  %f = stage.each_row %s at %read : (!wide) -> !host {
  ^bb0(%row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  stage.head %f by <@e> : !host
}
