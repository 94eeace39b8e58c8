// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: @runs_of_tokens
// CHECK: quoin.permute_rows %{{.+}} : tensor<6x2xf32> by <4, 5, 0 to 3>
func.func @runs_of_tokens(%x: tensor<6x2xf32>) -> tensor<6x2xf32> {
  %y = quoin.permute_rows %x : tensor<6x2xf32> by #quoin.order<4 to 5, 0, 1, 2, 3>
  return %y : tensor<6x2xf32>
}

// CHECK-LABEL: @runs_with_a_step
// CHECK: quoin.permute_rows %{{.+}} : tensor<6xf32> by <0 to 4 by 2, 1 to 5 by 2>
func.func @runs_with_a_step(%x: tensor<6xf32>) -> tensor<6xf32> {
  %y = quoin.permute_rows %x : tensor<6xf32> by #quoin.order<0, 2, 4, 1 to 5 by 2>
  return %y : tensor<6xf32>
}

// CHECK-LABEL: @an_order_and_its_inverse_fold
// CHECK-SAME: %[[X:.+]]: tensor
// CHECK-NEXT: return %[[X]]
func.func @an_order_and_its_inverse_fold(%x: tensor<3xf32>) -> tensor<3xf32> {
  %y = quoin.permute_rows %x : tensor<3xf32> by #quoin.order<2, 0, 1>
  %z = quoin.permute_rows %y : tensor<3xf32> by #quoin.order<1, 2, 0>
  return %z : tensor<3xf32>
}

// CHECK-LABEL: @the_same_order_twice_stays
// CHECK-COUNT-2: quoin.permute_rows
func.func @the_same_order_twice_stays(%x: tensor<3xf32>) -> tensor<3xf32> {
  %y = quoin.permute_rows %x : tensor<3xf32> by #quoin.order<2, 0, 1>
  %z = quoin.permute_rows %y : tensor<3xf32> by #quoin.order<2, 0, 1>
  return %z : tensor<3xf32>
}

// CHECK-LABEL: @the_identity_folds
// CHECK-NOT: quoin.permute_rows
func.func @the_identity_folds(%x: tensor<3xf32>) -> tensor<3xf32> {
  %y = quoin.permute_rows %x : tensor<3xf32> by #quoin.order<0 to 2>
  return %y : tensor<3xf32>
}
