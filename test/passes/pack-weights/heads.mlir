// A recurrence's weights lie head by head: of a size that counts them inside the tensor, outside, or of all heads together.
// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-assign-storage --quoin-pack-weights | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @inside : tensor<3x2x2xbf16> from "model.safetensors" tensor "inside"
quoin.weight @outside : tensor<2x20xf32> from "model.safetensors" tensor "outside"
quoin.weight @all : tensor<2xf32> from "model.safetensors" tensor "all"

// CHECK: stage.scan %{{.+}} with [#stage.weight<@inside as f32 in #stage.heads<[3, 2, 2], 3 x 2 x 2> at [[AT:[0-9]+]]>, #stage.weight<@outside as f32 in #stage.heads<[2, 20], 1 x 2 x 20> at
// CHECK-SAME: #stage.weight<@all as f32 in #stage.heads<[2], 1 x 1 x 2> at
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %y = quoin.scan %h with [@inside, @outside, @all] heads 2 along [0, 1, 0, -1, 0] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>, %a: tensor<3x2xf32>, %b: tensor<20xf32>, %c: tensor<2xf32>):
    %p = arith.addf %s, %x : tensor<2xf32>
    quoin.row %p, %p : tensor<2xf32>, tensor<2xf32>
  }
  quoin.hidden %y : tensor<?x4xf32>
}
