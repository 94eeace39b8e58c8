// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @unit_norm_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a head_dim that divides the width 4, but found 3}}
  %1 = quoin.unit_norm %0 head_dim 3 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @unit_norm_c1_none head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a head_dim that divides the width 4, but found 0}}
  %1 = quoin.unit_norm %0 head_dim 0 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @unit_norm_c1_negative head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a head_dim that divides the width 4, but found -2}}
  %1 = quoin.unit_norm %0 head_dim -2 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @unit_norm_c2 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a weight of 2 numbers, but found 3}}
  %1 = quoin.unit_norm %0 head_dim 2 times @three : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
