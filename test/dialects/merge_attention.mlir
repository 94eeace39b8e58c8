// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: quoin.model @body
// CHECK: quoin.merge_attention %{{.+}}, %{{.+}} with %{{.+}}, %{{.+}} : tensor<?x4xf32>, tensor<?x2xf32>
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %a, %s = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 within #quoin.mask<(q, k) : k lt 4> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32> lse tensor<?x2xf32>
  %b, %t = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 within #quoin.mask<(q, k) : k ge 4> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32> lse tensor<?x2xf32>
  %all, %sum = quoin.merge_attention %a, %s with %b, %t : tensor<?x4xf32>, tensor<?x2xf32>
  quoin.hidden %all : tensor<?x4xf32>
}
