// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"

// Positions of rows read are looked up by the numbers of those; each result has a place, the first that of the operand. Rows are gathered, given
// their sequence's, looked up, narrowed and handed to the host by programs.
// CHECK-LABEL: stage.step @body
// CHECK: stage.each_row %{{.+}} by [#stage.weight<@n>] : (!stage.buffer<row, 4xf32>) -> !stage.buffer<row, 4xf32> {
// CHECK: stage.each_row %{{.+}}, %positions by [#stage.weight<@n>] tables [#stage.weight<as f32 in #stage.angles<16 x 2 theta 1.000000e+04 : f64>>] of [1] :
// CHECK: stage.each_row barrier %{{.+}}, %positions by [#stage.weight<@n as f32 in #stage.line<4> at 128>] places [0, 1] :
// CHECK-SAME: (!stage.buffer<row, 4xf32>, !stage.buffer<row, 1xi32>) -> (!stage.buffer<row, 4xf32>, !stage.buffer<row, 4xbf16>) {
// CHECK: stage.each_row %{{.+}}, %positions at %read :
// CHECK: stage.each_row %{{.+}}, %positions, %[[ONCE:.+]] at %read tables [#stage.weight<@e as bf16 in #stage.table<8 x 4> at 384>, #stage.weight<@e>] of [1, 0] places [-1, 0] :
// CHECK-SAME: (!stage.buffer<row, 1xi32>, !stage.buffer<row, 1xi32>, !stage.buffer<sequence, 4xf32>) -> (!stage.buffer<host, 4xf32>, !stage.buffer<read, 4xbf16>) {
stage.step @body places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %once: !stage.buffer<sequence, 4xf32>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %1 = stage.each_row %0 by [#stage.weight<@n>] : (!row) -> !row {
  ^bb0(%row: tensor<4xf32>, %n: tensor<4xf32>):
    %y = arith.mulf %row, %n : tensor<4xf32>
    quoin.row %y : tensor<4xf32>
  }
  %t = stage.each_row %1, %positions by [#stage.weight<@n>] tables [#stage.weight<as f32 in #stage.angles<16 x 2 theta 1.0e4>>] of [1] : (!row, !stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%row: tensor<4xf32>, %position: index, %n: tensor<4xf32>, %turn: tensor<4xf32>):
    %y = arith.mulf %row, %turn : tensor<4xf32>
    quoin.row %y : tensor<4xf32>
  }
  %2 = stage.each_row %1 places [0] : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>):
    %s = arith.addf %x, %x : tensor<4xf32>
    quoin.row %s : tensor<4xf32>
  }
  %3, %4 = stage.each_row barrier %2, %positions by [#stage.weight<@n as f32 in #stage.line<4> at 128>] places [0, 1] : (!row, !stage.buffer<row, 1xi32>) -> (!row, !stage.buffer<row, 4xbf16>) {
  ^bb0(%row: tensor<4xf32>, %position: index, %n: tensor<4xf32>):
    %y = arith.mulf %row, %n : tensor<4xf32>
    quoin.row %y, %row : tensor<4xf32>, tensor<4xf32>
  }
  %5 = stage.each_row %3 at %read : (!row) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %6 = stage.each_row %5, %positions at %read : (!read, !stage.buffer<row, 1xi32>) -> !read {
  ^bb0(%row: tensor<4xf32>, %position: index):
    quoin.row %row : tensor<4xf32>
  }
  %7, %8 = stage.each_row %ids, %positions, %once at %read tables [#stage.weight<@e as bf16 in #stage.table<8 x 4> at 384>, #stage.weight<@e>] of [1, 0] places [-1, 0] :
      (!stage.buffer<row, 1xi32>, !stage.buffer<row, 1xi32>, !stage.buffer<sequence, 4xf32>) -> (!host, !stage.buffer<read, 4xbf16>) {
  ^bb0(%id: index, %position: index, %o: tensor<4xf32>, %there: tensor<4xf32>, %word: tensor<4xf32>):
    %y = arith.addf %there, %word : tensor<4xf32>
    quoin.row %y, %o : tensor<4xf32>, tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> results %7 : !host, !host
}
