// A recurrence becomes a stage as it stands; without results it is nothing. Rows that are read are taken out behind it.
// RUN: quoin-opt %s --quoin-prune-rows --quoin-lower-to-stages | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @a : tensor<3x2x2xbf16> from "model.safetensors" tensor "a"

// CHECK-LABEL: stage.step @m
// CHECK: %[[H:.+]] = stage.each_row %ids tables
// CHECK: %[[Y:.+]] = stage.scan %[[H]] with [#stage.weight<@a>] from %[[H]] heads 2 along [0, 0, 1, 0] : (!stage.buffer<row, 4xf32>, !stage.buffer<row, 4xf32>) -> !stage.buffer<row, 4xf32> {
// CHECK-NEXT: ^bb0(%[[S:.+]]: tensor<2xf32>, %[[X:.+]]: tensor<2xf32>, %{{.+}}: tensor<3x2xf32>):
// CHECK-NEXT: %[[P:.+]] = arith.addf %[[S]], %[[X]]
// CHECK-NEXT: quoin.row %[[P]], %[[P]] : tensor<2xf32>, tensor<2xf32>
// CHECK-NOT: stage.scan
// CHECK: stage.each_row %[[Y]] at %read
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %y = quoin.scan %h with [@a] from %h heads 2 along [0, 0, 1, 0] : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>, %a: tensor<3x2xf32>):
    %p = arith.addf %s, %x : tensor<2xf32>
    quoin.row %p, %p : tensor<2xf32>, tensor<2xf32>
  }
  quoin.scan %h heads 2 : (tensor<?x4xf32>) -> () {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    quoin.row %x : tensor<2xf32>
  }
  quoin.hidden %y : tensor<?x4xf32>
}
