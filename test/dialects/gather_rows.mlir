// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: quoin.model @body
// CHECK: quoin.gather_rows %{{.+}} at %{{.+}} : tensor<?x4xf32>
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}

// CHECK-LABEL: quoin.model @positions_of_rows_read
// CHECK: quoin.gather_rows %{{.+}} at %{{.+}} : tensor<?xindex>
quoin.model @positions_of_rows_read head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
  %at = quoin.gather_rows %positions at %read : tensor<?xindex>
  %2 = quoin.rotary %1 at %at theta 1.0e4 head_dim 4 : tensor<?x4xf32>
  quoin.hidden %2 : tensor<?x4xf32>
}
