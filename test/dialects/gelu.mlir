// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: quoin.model @body
// CHECK: quoin.gelu %{{.+}} exact : tensor<?x4xf32>
// CHECK: quoin.gelu %{{.+}} tanh : tensor<?x4xf32>
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %2 = quoin.gelu %0 exact : tensor<?x4xf32>
  %1 = quoin.gelu %2 tanh : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}
