// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @p : tensor<2xf32> from "model.safetensors" tensor "p"

// CHECK-LABEL: quoin.model @body
// CHECK: quoin.unit_norm %{{.+}} head_dim 4 : tensor<?x4xf32>
// CHECK: quoin.unit_norm %{{.+}} head_dim 2 times @p : tensor<?x4xf32>
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %2 = quoin.unit_norm %0 head_dim 4 : tensor<?x4xf32>
  %1 = quoin.unit_norm %2 head_dim 2 times @p : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}
