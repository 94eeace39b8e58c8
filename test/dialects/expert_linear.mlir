// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "experts.*.w"
quoin.weight @d : tensor<3x4x5xbf16> from "model.safetensors" tensor "d"

// CHECK-LABEL: quoin.model @body
// CHECK: %[[C:.+]], %{{.+}} = quoin.route
// CHECK: %[[X:.+]] = quoin.expert_linear %{{.+}} to %[[C]] by @w : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2x5xf32>
// CHECK: quoin.expert_linear %{{.+}} to %[[C]] by @d : tensor<?x2x5xf32>, tensor<?x2xi32> -> tensor<?x2x4xf32>
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %c, %s = quoin.route %0 scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %2 = quoin.expert_linear %0 to %c by @w : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2x5xf32>
  %3 = quoin.swiglu %2, %2 : tensor<?x2x5xf32>
  %4 = quoin.expert_linear %3 to %c by @d : tensor<?x2x5xf32>, tensor<?x2xi32> -> tensor<?x2x4xf32>
  %1 = quoin.mix %4, %s : tensor<?x2x4xf32>, tensor<?x2xf32> -> tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}
