// RUN: quoin-opt %s --quoin-lower-to-stages | FileCheck %s

// A product of a vector of the sequence runs once a sequence; rows find it by their sequence.

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @b : tensor<8xf32> from "model.safetensors" tensor "b"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"

// CHECK-LABEL: stage.step @columns
// CHECK: ^bb0(%[[IDS:.+]]: !stage.buffer<row, 1xi32>, %[[POS:.+]]: !stage.buffer<row, 1xi32>, %[[READ:.+]]: !stage.buffer<read, 1xi64>, %[[A:.+]]: !stage.buffer<row, 4xf32>, %[[K:.+]]: !stage.buffer<row, 1xi32>, %[[C:.+]]: !stage.buffer<sequence, 4xf32>):
// CHECK: %[[M:.+]] = stage.product %[[C]] by <@w> : !stage.buffer<sequence, 4xf32> -> !stage.buffer<sequence, 4xf32>
// CHECK: %[[P:.+]] = stage.each_row %[[POS]] tables [#stage.weight<@e>] of [0]
// CHECK: %[[N:.+]] = stage.each_row %[[K]] tables [#stage.weight<@e>] of [0]
// CHECK: stage.each_row %{{[0-9]+}}, %[[M]] : (!stage.buffer<row, 4xf32>, !stage.buffer<sequence, 4xf32>) -> !stage.buffer<row, 4xf32>
// CHECK: %[[R:.+]] = stage.each_row %{{[0-9]+}} at %[[READ]] : (!stage.buffer<row, 4xf32>) -> !stage.buffer<read, 4xf32>
// CHECK: stage.each_row %[[R]], %[[M]] at %[[READ]] : (!stage.buffer<read, 4xf32>, !stage.buffer<sequence, 4xf32>) -> !stage.buffer<read, 4xf32>
// CHECK: stage.head %{{.+}} by <@e> bias <@b> results %{{.+}} : !stage.buffer<host, 4xf32>, !stage.buffer<host, 4xf32>
quoin.model @columns head @e bias @b each_sequence [4] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %k: tensor<?x1xi32>, %c: tensor<?x4xf32>, %read: tensor<?xindex>):
  %m = quoin.linear %c by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %p = quoin.embed %positions by @e : tensor<?xindex> -> tensor<?x4xf32>
  %n = quoin.embed %k by @e : tensor<?x1xi32> -> tensor<?x4xf32>
  %0 = arith.addf %p, %n : tensor<?x4xf32>
  %1 = arith.addf %0, %m : tensor<?x4xf32>
  %2 = arith.addf %1, %a : tensor<?x4xf32>
  %r = quoin.gather_rows %2 at %read : tensor<?x4xf32>
  %3 = arith.addf %r, %m : tensor<?x4xf32>
  quoin.hidden %3 results %r : tensor<?x4xf32>, tensor<?x4xf32>
}
