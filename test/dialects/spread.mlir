// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"

// CHECK-LABEL: quoin.model @body
// CHECK: quoin.spread @n over %{{.+}} : tensor<?xindex> -> tensor<?x4xf32>
// CHECK: quoin.spread @n over %{{.+}} : tensor<?x4xf32> -> tensor<?x4xf32>
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.spread @n over %positions : tensor<?xindex> -> tensor<?x4xf32>
  %1 = quoin.spread @n over %0 : tensor<?x4xf32> -> tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}
