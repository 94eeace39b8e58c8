// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-place-ends | FileCheck %s
// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-place-ends --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-place-ends --remarks-filter='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @g : tensor<6x4xf32> from "model.safetensors" tensor "g"
quoin.weight @u : tensor<6x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<4x6xf32> from "model.safetensors" tensor "d"

// The gate ends two products, which become one; the activation of a product is followed by a sum, and a product of the one that would be
// part of the sum is rounded first, as it was in memory.
// CHECK-LABEL: stage.step @layer {
// CHECK: %[[H:.+]] = stage.each_row %ids tables
// CHECK: %[[A:.+]] = stage.product %[[H]] by <[@g, @u]> : !stage.buffer<row, 4xf32> -> !stage.buffer<row, 6xf32> {
// CHECK-NEXT: ^bb0(%[[X:.+]]: f32, %[[Y:.+]]: f32):
// CHECK: %[[E:.+]] = math.exp %{{.+}} : f32
// CHECK: %[[M:.+]] = arith.mulf %{{.+}}, %[[Y]] : f32
// CHECK-NEXT: quoin.number %[[M]]
// CHECK: stage.product %[[A]] by <@d> with %[[H]] : !stage.buffer<row, 6xf32>, !stage.buffer<row, 4xf32> -> !stage.buffer<row, 4xf32> {
// CHECK-NEXT: ^bb0(%[[S:.+]]: f32, %[[R:.+]]: f32):
// CHECK: %[[Q:.+]] = arith.mulf %{{.+}}, %{{.+}} {quoin.rounded} : f32
// CHECK-NEXT: %[[Z:.+]] = arith.addf %[[R]], %[[Q]] : f32
// CHECK-NEXT: quoin.number %[[Z]]
// CHECK-NEXT: }
// CHECK-NEXT: %{{.+}} = stage.each_row %{{.+}} at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<host, 4xf32>
// COUNT: place-ends num-formulas-on-products 3
// COUNT: place-ends num-products-joined 1
// REMARK-DAG: [Passed] End | {{.*}}the formula ends two products
// REMARK-DAG: [Passed] End | {{.*}}the formula ends a product
quoin.model @layer head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %g = quoin.linear %h by @g : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = quoin.linear %h by @u : tensor<?x4xf32> -> tensor<?x6xf32>
  %s = quoin.swiglu %g, %u : tensor<?x6xf32>
  %d = quoin.linear %s by @d : tensor<?x6xf32> -> tensor<?x4xf32>
  %r = quoin.relu2 %d : tensor<?x4xf32>
  %y = arith.addf %h, %r : tensor<?x4xf32>
  quoin.hidden %y : tensor<?x4xf32>
}
