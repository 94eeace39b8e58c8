// RUN: quoin-opt %s --quoin-lower-to-stages | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// Who sees whom is evaluated where it changes, and once for layers that follow each other.
// CHECK-LABEL: stage.step @layers_with_and_without_a_window
// CHECK: %[[NEAR:.+]] = stage.masks within <(q, k) : k le q and q - k lt 6>
// CHECK: stage.attend %{{.+}} under %[[NEAR]] heads
// CHECK-NOT: stage.masks
// CHECK: stage.attend %{{.+}} under %[[NEAR]] heads
// CHECK: %[[ALL:.+]] = stage.masks{{$}}
// CHECK: stage.attend %{{.+}} under %[[ALL]] heads
// CHECK: %[[AGAIN:.+]] = stage.masks within <(q, k) : k le q and q - k lt 6>
// CHECK: stage.attend %{{.+}} under %[[AGAIN]] heads
quoin.model @layers_with_and_without_a_window head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 within #quoin.mask<window<6>> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  %2 = quoin.attention %1, %1, %1 heads 2 kv_heads 2 head_dim 2 within #quoin.mask<window<6>> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  %3 = quoin.attention %2, %2, %2 heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  %4 = quoin.attention %3, %3, %3 heads 2 kv_heads 2 head_dim 2 within #quoin.mask<window<6>> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %4 : tensor<?x4xf32>
}
