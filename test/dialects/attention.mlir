// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: quoin.model @body
// CHECK: quoin.attention %{{.+}}, %{{.+}}, %{{.+}} heads 2 kv_heads 2 head_dim 2 scale 5.000000e-01 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
// CHECK: quoin.attention %{{.+}}, %{{.+}}, %{{.+}} rows %{{.+}} heads 2 kv_heads 2 head_dim 2 within <(q, k) : k le q and q - k lt 6> scale 5.000000e-01 : tensor
// CHECK: quoin.attention %{{.+}} : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32> score {
// CHECK-NEXT: ^bb0(%[[S:.+]]: f32, %{{.+}}: i32, %[[Q:.+]]: i32, %[[K:.+]]: i32):
// CHECK-NEXT: arith.subi %[[Q]], %[[K]] : i32
// CHECK: %{{.+}}, %{{.+}} = quoin.attention %{{.+}} : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32> lse tensor<?x2xf32> score {
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  %2 = quoin.gather_rows %1 at %read : tensor<?x4xf32>
  %3 = quoin.attention %2, %1, %1 rows %read heads 2 kv_heads 2 head_dim 2 within #quoin.mask<window<6>> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  %4 = quoin.attention %2, %1, %1 rows %read heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32> score {
  ^bb0(%s: f32, %head: i32, %query: i32, %key: i32):
    %distance = arith.subi %query, %key : i32
    %far = arith.sitofp %distance : i32 to f32
    %y = arith.subf %s, %far : f32
    quoin.number %y
  }
  %5, %sum = quoin.attention %2, %1, %1 rows %read heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32> lse tensor<?x2xf32> score {
  ^bb0(%s: f32, %head: i32, %query: i32, %key: i32):
    quoin.number %s
  }
  quoin.hidden %3 : tensor<?x4xf32>
}
