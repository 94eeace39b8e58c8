// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK-LABEL: @one_a_token
// CHECK: quoin.as_logits %{{.+}} : tensor<?x8xf32>
func.func @one_a_token(%s: tensor<?x8xf32>) -> !quoin.logits {
  %l = quoin.as_logits %s : tensor<?x8xf32>
  return %l : !quoin.logits
}
