// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: quoin.model @body
// CHECK: quoin.hidden %{{.+}} : tensor<?x4xf32>
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK-LABEL: quoin.model @and_results
// CHECK: quoin.hidden %[[H:.+]] results %[[H]], %[[H]] : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
quoin.model @and_results head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 results %0, %0 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}
