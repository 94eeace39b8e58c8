// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-fuse-rows | FileCheck %s

// Rows are gathered by the program that needs them, and handed to the host by the one that makes them: none of the two costs a copy.

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"

// CHECK-LABEL: stage.step @m
// CHECK: %[[P:.+]] = stage.product
// CHECK-NEXT: %[[Y:.+]] = stage.each_row %[[P]], %column at %read by [#stage.weight<@n>] : (!stage.buffer<row, 4xf32>, !stage.buffer<sequence, 4xf32>) -> !stage.buffer<host, 4xf32> {
// CHECK-NOT: stage.each_row
// CHECK: stage.head %[[Y]]
quoin.model @m head @e each_sequence [2] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %c: tensor<?x4xf32>, %read: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %p = quoin.linear %h by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %r = quoin.gather_rows %p at %read : tensor<?x4xf32>
  %s = arith.addf %r, %c : tensor<?x4xf32>
  %n = quoin.rms_norm %s by @n epsilon 1.0e-6 : tensor<?x4xf32>
  quoin.hidden %n : tensor<?x4xf32>
}
