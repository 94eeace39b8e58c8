// Rows of another size in a place that a stage has just read: a worker's lie where another's lay, so the workers meet.
// RUN: quoin-opt %s --quoin-place-barriers | FileCheck %s

!wide = !stage.buffer<row, 64xf32>
!narrow = !stage.buffer<row, 16xf32>
!host = !stage.buffer<host, 64xf32>
quoin.weight @e : tensor<8x64xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<8x16xf32> from "model.safetensors" tensor "n"

// CHECK-LABEL: stage.step @step
// CHECK: %[[W:.+]] = stage.rows #stage.embed
// CHECK: %[[S:.+]] = stage.each_row %[[W]] places [1]
// CHECK: %[[N:.+]] = stage.rows barrier #stage.embed(%ids) by <@n> place 0
// CHECK: stage.each_row %[[N]] places [0]
// CHECK: stage.move %[[S]]
stage.step @step places [256, 256] page 0 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %w = stage.rows #stage.embed(%ids) by <@e> place 0 : (!stage.buffer<row, 1xi32>) -> !wide
  %s = stage.each_row %w places [1] : (!wide) -> !wide {
  ^bb0(%x: tensor<64xf32>):
    %sum = arith.addf %x, %x : tensor<64xf32>
    quoin.row %sum : tensor<64xf32>
  }
  %n = stage.rows #stage.embed(%ids) by <@n> place 0 : (!stage.buffer<row, 1xi32>) -> !narrow
  %t = stage.each_row %n places [0] : (!narrow) -> !narrow {
  ^bb0(%x: tensor<16xf32>):
    %sum = arith.addf %x, %x : tensor<16xf32>
    quoin.row %sum : tensor<16xf32>
  }
  %f = stage.move %s at %read : !wide -> !host
  stage.head %f by <@e> : !host
}
