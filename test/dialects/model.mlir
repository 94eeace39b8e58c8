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

// CHECK-LABEL: quoin.model @columns head @h bias @b each_sequence [3] {
// CHECK-NEXT: ^bb0(%{{.+}}: tensor<?xi32>, %{{.+}}: tensor<?xindex>, %{{.+}}: tensor<?x4xf32>, %{{.+}}: tensor<?x4xf32>):
quoin.weight @h : tensor<8x4xf32> from "model.safetensors" tensor "h"
quoin.weight @b : tensor<8xf32> from "model.safetensors" tensor "b"
quoin.model @columns head @h bias @b each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %0 = arith.addf %a, %c : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// A model of tokens without a head.
// CHECK-LABEL: quoin.model @rows_alone {
quoin.model @rows_alone {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @h : tensor<?x4xf32>
  quoin.results %0, %0 : tensor<?x4xf32>, tensor<?x4xf32>
}
