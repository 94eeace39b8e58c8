// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @p : tensor<2xf32> from "model.safetensors" tensor "p"

// CHECK-LABEL: quoin.model @body
// CHECK: quoin.route %{{.+}} scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
// CHECK: quoin.route %{{.+}} scores sigmoid correction @n groups 2 best 1 top 2 normalise false scale 2.500000e+00 : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
// CHECK: quoin.route %{{.+}} scores given top 1 normalise false : tensor<?x4xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %c, %s = quoin.route %0 scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %c1, %s1 = quoin.route %0 scores sigmoid correction @n groups 2 best 1 top 2 normalise false scale 2.5 : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %c2, %s2 = quoin.route %0 scores given top 1 normalise false : tensor<?x4xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
