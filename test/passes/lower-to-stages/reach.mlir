// RUN: quoin-opt %s --quoin-lower-to-stages | FileCheck %s

// A decoder of blocks of 4 goes a page beyond the capacity: there are angles for that, too.
// CHECK: tables [#stage.weight<as f32 in #stage.angles<80 x 2 theta 1.000000e+04 : f64>>] of [1]
module attributes {quoin.capacity = 16 : index} {
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %r = quoin.rotary %h at %positions theta 1.0e4 head_dim 4 : tensor<?x4xf32>
  quoin.hidden %r : tensor<?x4xf32>
}
quoin.decoder @blocks(%prompt, %max) settings {} {
  %c4 = arith.constant 4 : index
  %n = quoin.length %prompt
  %x = quoin.extend %prompt by %c4
  quoin.return %x[%n to %n]
}
}
