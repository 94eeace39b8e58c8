// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @vectors_and_matrices
// CHECK: quoin.reduce sum %{{.+}} where %{{.+}} : tensor<?xf32> -> f32
// CHECK: quoin.reduce maximum %{{.+}} : tensor<?xindex> -> index
// CHECK: quoin.reduce minimum %{{.+}} : tensor<?x4xi32> -> tensor<1x4xi32>
func.func @vectors_and_matrices(%v: tensor<?xf32>, %n: tensor<?xindex>, %m: tensor<?x4xi32>, %f: tensor<?xi1>) {
  %a = quoin.reduce sum %v where %f : tensor<?xf32> -> f32
  %b = quoin.reduce maximum %n : tensor<?xindex> -> index
  %c = quoin.reduce minimum %m : tensor<?x4xi32> -> tensor<1x4xi32>
  return
}
