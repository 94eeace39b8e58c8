// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<2xf32> from "model.safetensors" tensor "n"

// CHECK-LABEL: quoin.model @body
// CHECK: quoin.rms_norm %{{.+}} by @n epsilon 9.9999999999999995E-7 : tensor<?x4xf32>
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.rms_norm %0 by @n epsilon 1.0e-6 : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}
