// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: quoin.decoder @numbers_and_tensors
// CHECK: quoin.output @most %{{.+}} : index
// CHECK: quoin.output @latent %{{.+}} as [2, 2, 2] : tensor<2x4xf32>
// CHECK: quoin.output @rows %{{.+}} as [-1, 2, 2] : tensor<?x4xf32>
quoin.decoder @numbers_and_tensors(%x, %max) settings {} {
  %one = arith.constant 1.0 : f32
  %a = tensor.splat %one : tensor<2x4xf32>
  %b = tensor.splat %one[%max] : tensor<?x4xf32>
  quoin.output @most %max : index
  quoin.output @latent %a as [2, 2, 2] : tensor<2x4xf32>
  quoin.output @rows %b as [-1, 2, 2] : tensor<?x4xf32>
  quoin.return %x[%max to %max]
}
