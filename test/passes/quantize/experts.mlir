// RUN: not quoin-opt %s --quoin-quantize='bits=8' 2>&1 | FileCheck %s
// RUN: not quoin-opt %s --quoin-quantize='bits=5' 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not quoin-opt %s --quoin-quantize='bits=4 group=48' 2>&1 | FileCheck %s --check-prefix=GROUP
// CHECK: expects no experts in a model whose weights become whole numbers, but found one
// BITS: expects whole numbers of 8 or 4 bits, but found 5
// GROUP: expects groups of 32, 64 or 128, but found 48

!row = !stage.buffer<row, 64xf32>
!host = !stage.buffer<host, 64xf32>
quoin.weight @e : tensor<8x64xf32> from "model.safetensors" tensor "e"
quoin.weight @x : tensor<4x64x64xf32> from "model.safetensors" tensor "x"
stage.step @experts {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  %c = stage.each_row %0 : (!row) -> !stage.buffer<row, 1xi32> {
  ^bb0(%row: tensor<64xf32>):
    %choice = arith.constant dense<1> : tensor<1xi32>
    quoin.row %choice : tensor<1xi32>
  }
  %1 = stage.experts %0 to %c by <@x> : !row, !stage.buffer<row, 1xi32> -> !row
  %h = stage.each_row %1 at %read : (!row) -> !host {
  ^bb0(%row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  stage.head %h by <@e> : !host
}
