// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"
quoin.model @linear_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects weight '@w' of shape [6, 4], but found 'tensor<4x4xf32>'}}
  %1 = quoin.linear %0 by @w : tensor<?x4xf32> -> tensor<?x6xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"
quoin.weight @n : tensor<2xf32> from "model.safetensors" tensor "n"
quoin.model @linear_c2 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects weight '@n' of shape [4], but found 'tensor<2xf32>'}}
  %1 = quoin.linear %0 by @w bias @n : tensor<?x4xf32> -> tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
