// RUN: quoin-opt %s --quoin-pack-weights | FileCheck %s
// RUN: quoin-opt %s --quoin-pack-weights --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

!row = !stage.buffer<row, 4xf32>
// Tiles of 64 columns, vectors of multiples of 64, rows of multiples of 16; the bias is read twice and lies there once, as does
// the embedding, which is the head's matrix.
// CHECK-LABEL: stage.step @file
// CHECK: tables [#stage.weight<@e as bf16 in #stage.tiles<8 x 4> at 0>] of [0]
// CHECK: stage.each_row %{{.+}} by [#stage.weight<@n as f32 in #stage.line<4> at 512>]
// CHECK: stage.each_row %{{.+}} tables [#stage.weight<as f32 in #stage.angles<16 x 2 theta 1.000000e+04 : f64> at 768>] of [1]
// CHECK: stage.product %{{.+}} by <[@w, @w] as bf16 in #stage.tiles<4 x 4> at 1024>
// CHECK: stage.product %{{.+}} by <@w as bf16 in #stage.tiles<4 x 4> at 1536> bias <@n as f32 in #stage.line<4> at 512>
// CHECK: stage.head %{{.+}} by <@e as bf16 in #stage.tiles<8 x 4> at 0>
// COUNT: pack-weights num-pieces 5
// COUNT: pack-weights num-pieces-shared 2
module attributes {quoin.capacity = 16 : index} {
quoin.weight @e : tensor<8x4xbf16> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @w : tensor<4x4xbf16> from "model.safetensors" tensor "w"
stage.step @file {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e as bf16>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %n = stage.each_row %h by [#stage.weight<@n as f32>] : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>, %n: tensor<4xf32>):
    %y = arith.mulf %x, %n : tensor<4xf32>
    quoin.row %y : tensor<4xf32>
  }
  %r = stage.each_row %n, %positions tables [#stage.weight<as f32 in #stage.angles<16 x 2 theta 1.0e4>>] of [1] : (!row, !stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%x: tensor<4xf32>, %position: index, %t: tensor<4xf32>):
    %y = arith.mulf %x, %t : tensor<4xf32>
    quoin.row %y : tensor<4xf32>
  }
  %g = stage.product %r by <[@w, @w] as bf16> : !row -> !row {
  ^bb0(%gate: f32, %up: f32):
    %y = arith.mulf %gate, %up : f32
    quoin.number %y
  }
  %p = stage.product %g by <@w as bf16> bias <@n as f32> : !row -> !row
  %f = stage.each_row %p at %read : (!row) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e as bf16> : !stage.buffer<host, 4xf32>
}
}
