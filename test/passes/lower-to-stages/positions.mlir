// RUN: quoin-opt %s --quoin-lower-to-stages | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// Positions that are gathered need no stage: rows that are read find theirs among all of the step by their numbers.
// CHECK-LABEL: stage.step @rows_read_turn_by_positions_read
// CHECK: %[[H:.+]] = stage.each_row %ids tables
// CHECK: %[[R:.+]] = stage.each_row %[[H]] at %read
// CHECK: %[[T:.+]] = stage.each_row %[[R]], %positions at %read tables [#stage.weight<as f32 in #stage.angles<{{.+}}>>] of [1] :
// CHECK: stage.each_row %[[T]] :
quoin.model @rows_read_turn_by_positions_read head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %r = quoin.gather_rows %h at %read : tensor<?x4xf32>
  %at = quoin.gather_rows %positions at %read : tensor<?xindex>
  %t = quoin.rotary %r at %at theta 1.0e4 head_dim 4 : tensor<?x4xf32>
  quoin.hidden %t : tensor<?x4xf32>
}
