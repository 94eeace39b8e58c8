// RUN: quoin-opt %s --quoin-lower-to-stages | FileCheck %s

quoin.weight @w : tensor<3x4xf32> from "model.safetensors" tensor "w"
// A model without a head takes columns and hands its rows to the host; there is nobody to see, so no masks.
// CHECK-LABEL: stage.step @rows
// CHECK: ^bb0(%{{.*}}, %{{.*}}, %[[READ:.+]]: !stage.buffer<read, 1xi64>, %[[X:.+]]: !stage.buffer<row, 4xf32>):
// CHECK-NOT: stage.masks
// CHECK: %[[Y:.+]] = stage.product %[[X]] by <@w>
// CHECK: %[[A:.+]] = stage.each_row %[[Y]] at %[[READ]]
// CHECK: %[[B:.+]] = stage.each_row %[[X]] at %[[READ]]
// CHECK: stage.results %[[A]], %[[B]] : !stage.buffer<host, 3xf32>, !stage.buffer<host, 4xf32>
quoin.model @rows {
^bb0(%x: tensor<?x4xf32>):
  %0 = quoin.linear %x by @w : tensor<?x4xf32> -> tensor<?x3xf32>
  quoin.results %0, %x : tensor<?x3xf32>, tensor<?x4xf32>
}
