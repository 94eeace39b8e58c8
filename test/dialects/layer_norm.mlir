// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @p : tensor<2xf32> from "model.safetensors" tensor "p"

// CHECK-LABEL: quoin.model @body
// CHECK: quoin.layer_norm %{{.+}} epsilon 1.000000e-05 : tensor<?x4xf32>
// CHECK: quoin.layer_norm %{{.+}} by @n epsilon 1.000000e-05 : tensor<?x4xf32>
// CHECK: quoin.layer_norm %{{.+}} by @p bias @p epsilon 0.000000e+00 : tensor<?x4xf32>
// CHECK: quoin.layer_norm %{{.+}} bias @n epsilon 1.000000e-05 : tensor<?x4xf32>
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %2 = quoin.layer_norm %0 epsilon 1.0e-5 : tensor<?x4xf32>
  %3 = quoin.layer_norm %2 by @n epsilon 1.0e-5 : tensor<?x4xf32>
  %4 = quoin.layer_norm %3 by @p bias @p epsilon 0.0 : tensor<?x4xf32>
  %1 = quoin.layer_norm %4 bias @n epsilon 1.0e-5 : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}
