// RUN: quoin-opt %s --quoin-expand-spellings --quoin-fold-weights | FileCheck %s
// RUN: quoin-opt %s --quoin-expand-spellings --quoin-fold-weights --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: quoin-opt %s --quoin-expand-spellings --quoin-fold-weights | quoin-opt --verify-roundtrip

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @level : tensor<2xf32> from "model.safetensors" tensor "level"
quoin.weight @c : tensor<4x2xf32> from "model.safetensors" tensor "c"
quoin.weight @a : tensor<4x4xf32> from "model.safetensors" tensor "a"
quoin.weight @b : tensor<4x4xf32> from "model.safetensors" tensor "b"

// What the product, its activation and two more products make of the level is three weights, of which two read the first.
// COUNT: fold-weights num-weights-made 3
// CHECK-LABEL: quoin.model @modulated
// CHECK: %[[X:.+]] = quoin.embed
// CHECK-NEXT: %[[Y:.+]] = quoin.each_row %[[X]] by [@[[SHIFT:.+]], @[[SCALE:.+]]] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
// CHECK-NEXT: ^bb0(%[[ROW:.+]]: tensor<4xf32>, %[[SHIFTS:.+]]: tensor<4xf32>, %[[SCALES:.+]]: tensor<4xf32>):
// CHECK-DAG: arith.addf %[[SCALES]]
// CHECK-DAG: arith.addf %{{.+}}, %[[SHIFTS]]
// CHECK: quoin.hidden %[[Y]]
// CHECK-DAG: quoin.weight @[[SHIFT]] : tensor<4xf32> by [@[[C:.+]]] {
// CHECK-DAG: quoin.weight @[[SCALE]] : tensor<4xf32> by [@[[C]]] {
// CHECK-DAG: quoin.linear %{{.+}} by @a
// CHECK-DAG: quoin.linear %{{.+}} by @b
// CHECK-DAG: quoin.weight @[[C]] : tensor<4xf32> by [@level] {
quoin.model @modulated head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %x = quoin.embed %ids by @e : tensor<?x4xf32>
  %level = quoin.spread @level over %positions : tensor<?xindex> -> tensor<?x2xf32>
  %c0 = quoin.linear %level by @c : tensor<?x2xf32> -> tensor<?x4xf32>
  %c = quoin.silu %c0 : tensor<?x4xf32>
  %scale = quoin.linear %c by @a : tensor<?x4xf32> -> tensor<?x4xf32>
  %shift = quoin.linear %c by @b : tensor<?x4xf32> -> tensor<?x4xf32>
  %y = quoin.modulate %x, %scale, %shift : tensor<?x4xf32>
  quoin.hidden %y : tensor<?x4xf32>
}
