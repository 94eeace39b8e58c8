// A sum with a fixed row adds a vector; other ops get the vector as each row; one result of a row program may be fixed and another not; a formula
// of constants alone reads a weight of one number.
// RUN: quoin-opt %s --quoin-fold-weights | FileCheck %s
// RUN: quoin-opt %s --quoin-fold-weights | quoin-opt --verify-roundtrip

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @v : tensor<4xf32> from "model.safetensors" tensor "v"

// CHECK-LABEL: quoin.model @readers
// CHECK: %[[X:.+]] = quoin.embed
// CHECK-NEXT: %[[Y:.+]] = quoin.each_row %[[X]] : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK: %[[SUM:.+]] = quoin.each_row %[[Y]] by [@[[F:.+]]] :
// CHECK: %[[EACH:.+]] = quoin.each_row %{{.+}} by [@[[F]]] : (tensor<?xindex>) -> tensor<?x4xf32>
// CHECK: %[[GATED:.+]] = quoin.swiglu %[[SUM]], %[[EACH]]
// CHECK: quoin.hidden %[[GATED]]
// CHECK: quoin.weight @[[G:.+]] : tensor<1xf32> {
// CHECK: quoin.weight @[[F]] : tensor<4xf32> by [@[[G]]] {
quoin.model @readers head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %x = quoin.embed %ids by @e : tensor<?x4xf32>
  %y, %three = quoin.each_row %x : (tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  ^bb0(%row: tensor<4xf32>):
    %c = arith.constant dense<3.0> : tensor<4xf32>
    %a = arith.mulf %row, %row : tensor<4xf32>
    quoin.row %a, %c : tensor<4xf32>, tensor<4xf32>
  }
  %sum = arith.addf %three, %y : tensor<?x4xf32>
  %z = quoin.swiglu %sum, %three : tensor<?x4xf32>
  quoin.hidden %z : tensor<?x4xf32>
}
