// RUN: quoin-opt %s --quoin-prune-rows | FileCheck %s

// Results shrink to the rows read as hidden rows do; rows of sequences are there for each of them and are not gathered.

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"

// CHECK-LABEL: quoin.model @vector_and_results
// CHECK: ^bb0(%{{.+}}: tensor<?xi32>, %{{.+}}: tensor<?xindex>, %[[A:.+]]: tensor<?x4xf32>, %[[C:.+]]: tensor<?x4xf32>, %[[READ:.+]]: tensor<?xindex>):
// CHECK: %[[AR:.+]] = quoin.gather_rows %[[A]] at %[[READ]]
// CHECK: %[[M:.+]] = quoin.linear %[[C]] by @w
// CHECK: %[[S:.+]] = arith.addf %[[AR]], %[[M]]
// CHECK: %[[R:.+]] = quoin.linear %[[S]] by @w
// CHECK: quoin.hidden %[[S]] results %[[R]]
quoin.model @vector_and_results head @e each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %m = quoin.linear %c by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %s = arith.addf %a, %m : tensor<?x4xf32>
  %r = quoin.linear %s by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  quoin.hidden %s results %r : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: quoin.model @without_a_head
// CHECK: %[[READ:[a-z0-9]+]]: tensor<?xindex>):
// CHECK: quoin.gather_rows %{{.+}} at %[[READ]]
// CHECK: quoin.results
quoin.model @without_a_head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.results %0 : tensor<?x4xf32>
}
