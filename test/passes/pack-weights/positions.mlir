// RUN: quoin-opt %s --quoin-pack-weights | FileCheck %s

!row = !stage.buffer<row, 4xf32>
// A decoder of blocks of 4 goes a page beyond the capacity: there are angles for that, too.
// CHECK: #stage.angles<80 x 2 theta 1.000000e+04 : f64>
module attributes {quoin.capacity = 16 : index} {
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @m {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.rows #stage.embed(%ids) by <@e as f32> : (!stage.buffer<row, 1xi32>) -> !row
  %r = stage.rows #stage.rotary<head_dim 4 theta 1.0e4>(%h, %positions) : (!row, !stage.buffer<row, 1xi32>) -> !row
  %f = stage.move %r at %read : !row -> !stage.buffer<host, 4xf32>
  stage.head %f by <@e as f32> : !stage.buffer<host, 4xf32>
}
quoin.decoder @blocks(%prompt, %max) settings {} {
  %c4 = arith.constant 4 : index
  %n = quoin.length %prompt
  %x = quoin.extend %prompt by %c4
  quoin.return %x[%n to %n]
}
}
