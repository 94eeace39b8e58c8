// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @of_a_list
// CHECK: quoin.among %{{.+}}, %{{.+}} : tensor<?xi32>, tensor<3xi32>
func.func @of_a_list(%t: tensor<?xi32>, %l: tensor<3xi32>) -> tensor<?xi1> {
  %a = quoin.among %t, %l : tensor<?xi32>, tensor<3xi32>
  return %a : tensor<?xi1>
}
