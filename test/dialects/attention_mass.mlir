// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: quoin.model @body
// CHECK: quoin.attention_mass %{{.+}}, %{{.+}} to %{{.+}} heads 2 kv_heads 1 head_dim 4 scale 5.000000e-01 : tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x3xf32>
// CHECK: quoin.attention_mass %{{.+}} head_dim 4 within <(q, k) : k le q and q - k lt 6> scale 5.000000e-01 : tensor
quoin.model @body {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %group: tensor<?x1xi32>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %q = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x8xf32> {
  ^bb0(%row: tensor<4xf32>):
    %twice = tensor.concat dim(0) %row, %row : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
    quoin.row %twice : tensor<8xf32>
  }
  %mass = quoin.attention_mass %q, %0 to %group heads 2 kv_heads 1 head_dim 4 scale 0.5 : tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x3xf32>
  %near = quoin.attention_mass %q, %0 to %group heads 2 kv_heads 1 head_dim 4 within #quoin.mask<window<6>> scale 0.5 : tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x3xf32>
  quoin.results %mass, %near : tensor<?x3xf32>, tensor<?x3xf32>
}
