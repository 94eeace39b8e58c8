// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @elements_and_rows
// CHECK: quoin.gather %{{.+}} at %{{.+}} : tensor<?xf32> -> tensor<?xf32>
// CHECK: quoin.gather %{{.+}} at %{{.+}} : tensor<5x3xi32> -> tensor<?x3xi32>
func.func @elements_and_rows(%v: tensor<?xf32>, %m: tensor<5x3xi32>, %i: tensor<?xindex>) {
  %a = quoin.gather %v at %i : tensor<?xf32> -> tensor<?xf32>
  %b = quoin.gather %m at %i : tensor<5x3xi32> -> tensor<?x3xi32>
  return
}
