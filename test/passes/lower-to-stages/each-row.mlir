// A row program becomes a stage as it stands; positions of rows read are looked up by their numbers, and what makes nothing is left out.
// RUN: quoin-opt %s --quoin-prune-rows --quoin-lower-to-stages | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xbf16> from "model.safetensors" tensor "n"

// CHECK-LABEL: stage.step @m
// CHECK: %[[H:.+]] = stage.each_row %ids tables
// CHECK: %[[R:.+]] = stage.each_row %[[H]] at %read
// CHECK: %[[Y:.+]]:2 = stage.each_row %[[R]], %positions at %read by [#stage.weight<@n>] : (!stage.buffer<read, 4xf32>, !stage.buffer<row, 1xi32>) -> (!stage.buffer<read, 4xf32>, !stage.buffer<read, 1xf32>) {
// CHECK-NEXT: ^bb0(%[[ROW:.+]]: tensor<4xf32>, %{{.+}}: index, %[[N:.+]]: tensor<4xf32>):
// CHECK-NEXT: %[[P:.+]] = arith.mulf %[[ROW]], %[[N]]
// CHECK: quoin.row %[[P]], %{{.+}} : tensor<4xf32>, tensor<1xf32>
// CHECK-NOT: each_row
// CHECK: stage.each_row %[[Y]]#0
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %y, %z = quoin.each_row %h, %positions by [@n] : (tensor<?x4xf32>, tensor<?xindex>) -> (tensor<?x4xf32>, tensor<?x1xf32>) {
  ^bb0(%row: tensor<4xf32>, %position: index, %n: tensor<4xf32>):
    %p = arith.mulf %row, %n : tensor<4xf32>
    %one = arith.constant dense<1.0> : tensor<1xf32>
    quoin.row %p, %one : tensor<4xf32>, tensor<1xf32>
  }
  quoin.each_row %h : (tensor<?x4xf32>) -> () {
  ^bb0(%row: tensor<4xf32>):
    quoin.row
  }
  quoin.hidden %y : tensor<?x4xf32>
}
