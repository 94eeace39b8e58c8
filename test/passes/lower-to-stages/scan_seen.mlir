// A recurrence along what rows see looks at the words of the call's mask, not at those of a formula that an attention has of its own.
// RUN: quoin-opt %s --quoin-lower-to-stages | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: stage.step @m
// CHECK: %[[NEAR:.+]] = stage.masks within
// CHECK: %[[WORDS:.+]] = stage.masks{{$}}
// CHECK: %{{.+}}:2 = stage.scan %{{.+}} under %[[WORDS]] heads 2 : (!stage.buffer<row, 4xf32>, !stage.words) -> (!stage.buffer<row, 4xf32>, !stage.buffer<row, 64xf32>) {
// CHECK: %[[AGAIN:.+]] = stage.masks within
// CHECK: stage.attend {{.*}}%[[AGAIN]]
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %y = quoin.scan %h seen heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    %p = arith.addf %s, %x : tensor<2xf32>
    quoin.row %p, %p : tensor<2xf32>, tensor<2xf32>
  }
  %a = quoin.attention %y, %y, %y heads 2 kv_heads 2 head_dim 2 within #quoin.mask<(q, k) : q - k lt 4> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %a : tensor<?x4xf32>
}
