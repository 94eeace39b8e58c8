// RUN: quoin-opt %s --quoin-expand-spellings | FileCheck %s
// RUN: quoin-opt %s --quoin-expand-spellings --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"

// COUNT: expand-spellings num-spellings-expanded 2
// CHECK-LABEL: quoin.model @modulated
// CHECK: %[[X:.+]] = quoin.embed
// CHECK: %[[N:.+]] = quoin.each_row %[[X]] by [@n] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
// CHECK-NEXT: ^bb0(%[[ROW:.+]]: tensor<4xf32>, %[[W:.+]]: tensor<4xf32>):
// CHECK: %[[SUM:.+]] = linalg.reduce { arith.addf } ins(%[[ROW]] : tensor<4xf32>) outs(%{{.+}} : tensor<f32>) dimensions = [0]
// CHECK: %[[MEAN:.+]] = arith.divf %[[SUM]]
// CHECK: %[[MEANS:.+]] = linalg.broadcast ins(%[[MEAN]] : tensor<f32>)
// CHECK: %[[D:.+]] = arith.subf %[[ROW]], %[[MEANS]]
// CHECK: %[[D2:.+]] = arith.mulf %[[D]], %[[D]]
// CHECK: linalg.reduce { arith.addf } ins(%[[D2]]
// CHECK: %[[ROOT:.+]] = math.rsqrt
// CHECK: %[[ROOTS:.+]] = linalg.broadcast ins(%[[ROOT]] : tensor<f32>)
// CHECK: %[[EVEN:.+]] = arith.mulf %[[D]], %[[ROOTS]]
// CHECK: %[[Y:.+]] = arith.mulf %[[EVEN]], %[[W]]
// CHECK: quoin.row %[[Y]] : tensor<4xf32>
// CHECK: %[[M:.+]] = quoin.each_row %[[N]], %[[X]], %[[X]]
// CHECK: quoin.hidden %[[M]]
quoin.model @modulated head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %x = quoin.embed %ids by @e : tensor<?x4xf32>
  %n = quoin.layer_norm %x by @n epsilon 1.0e-5 : tensor<?x4xf32>
  %m = quoin.modulate %n, %x, %x : tensor<?x4xf32>
  quoin.hidden %m : tensor<?x4xf32>
}
