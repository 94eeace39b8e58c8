// A router in ordinary reductions: the highest score, the lowest number that has it, and the same again without it.
// RUN: quoin-opt %s --quoin-expand-spellings | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: quoin.model @m
// CHECK: %[[X:.+]] = quoin.embed
// CHECK: %{{.+}}:2 = quoin.each_row %[[X]] : (tensor<?x4xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
// CHECK-NEXT: ^bb0(%[[ROW:.+]]: tensor<4xf32>):
// CHECK: %[[MAX:.+]] = linalg.reduce { arith.maximumf } ins(%[[ROW]] : tensor<4xf32>)
// CHECK: %[[MAXES:.+]] = linalg.broadcast ins(%[[MAX]]
// CHECK: %[[SAME:.+]] = arith.cmpf oeq, %[[ROW]], %[[MAXES]]
// CHECK: %[[NAN:.+]] = arith.cmpf uno, %[[ROW]], %[[ROW]]
// CHECK: %[[BEST:.+]] = arith.ori %[[SAME]], %[[NAN]]
// CHECK: %[[I:.+]] = arith.constant dense<[0, 1, 2, 3]> : tensor<4xi32>
// CHECK: %[[AT:.+]] = arith.select %[[BEST]], %[[I]]
// CHECK: %[[FIRST:.+]] = linalg.reduce { arith.minsi } ins(%[[AT]]
// CHECK: %[[FIRSTS:.+]] = linalg.broadcast ins(%[[FIRST]]
// CHECK: %[[TAKEN:.+]] = arith.cmpi eq, %[[I]], %[[FIRSTS]]
// CHECK: %[[REST:.+]] = arith.select %[[TAKEN]], %{{.+}}, %[[ROW]]
// CHECK: linalg.reduce { arith.maximumf } ins(%[[REST]]
// CHECK: quoin.row %{{.+}}, %{{.+}} : tensor<2xi32>, tensor<2xf32>
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %x = quoin.embed %ids by @e : tensor<?x4xf32>
  %c, %s = quoin.route %x scores given top 2 normalise false : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  quoin.hidden %x : tensor<?x4xf32>
}
