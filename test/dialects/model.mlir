// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK: quoin.model @every_row head @e
// CHECK: ^bb0(%{{.+}}: tensor<?xi32>, %{{.+}}: tensor<?xindex>):
quoin.model @every_row head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK: quoin.model @rows_that_are_read head @e
// CHECK: ^bb0(%{{.+}}: tensor<?xi32>, %{{.+}}: tensor<?xindex>, %{{.+}}: tensor<?xindex>):
quoin.model @rows_that_are_read head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}
