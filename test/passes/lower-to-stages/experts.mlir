// Products with experts; spellings that are left are written out first. Choices are gathered as rows are.
// RUN: quoin-opt %s --quoin-prune-rows --quoin-lower-to-stages | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @g : tensor<3x5x4xf32> from "model.safetensors" tensor "g.*"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u.*"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d.*"

// CHECK-LABEL: stage.step @m
// CHECK: %[[X:.+]] = stage.each_row %{{.+}} at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<read, 4xf32>
// CHECK: %[[R:.+]]:2 = stage.each_row %[[X]] : (!stage.buffer<read, 4xf32>) -> (!stage.buffer<read, 2xi32>, !stage.buffer<read, 2xf32>) {
// CHECK: %[[G:.+]] = stage.experts %[[X]] to %[[R]]#0 by <@g> : !stage.buffer<read, 4xf32>, !stage.buffer<read, 2xi32> -> !stage.buffer<read, 10xf32>
// CHECK: %[[U:.+]] = stage.experts %[[X]] to %[[R]]#0 by <@u>
// CHECK: %[[A:.+]] = stage.each_row %[[G]], %[[U]]
// CHECK: %[[D:.+]] = stage.experts %[[A]] to %[[R]]#0 by <@d> : !stage.buffer<read, 10xf32>, !stage.buffer<read, 2xi32> -> !stage.buffer<read, 8xf32>
// CHECK: stage.each_row %[[D]], %[[R]]#1 : (!stage.buffer<read, 8xf32>, !stage.buffer<read, 2xf32>) -> !stage.buffer<read, 4xf32> {
// CHECK-NEXT: ^bb0(%{{.+}}: tensor<2x4xf32>, %{{.+}}: tensor<2xf32>):
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %x = quoin.embed %ids by @e : tensor<?x4xf32>
  %c, %s = quoin.route %x scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = quoin.expert_linear %x to %c by @g : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2x5xf32>
  %u = quoin.expert_linear %x to %c by @u : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2x5xf32>
  %a = quoin.swiglu %g, %u : tensor<?x2x5xf32>
  %d = quoin.expert_linear %a to %c by @d : tensor<?x2x5xf32>, tensor<?x2xi32> -> tensor<?x2x4xf32>
  %y = quoin.mix %d, %s : tensor<?x2x4xf32>, tensor<?x2xf32> -> tensor<?x4xf32>
  quoin.hidden %y : tensor<?x4xf32>
}
