// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @embed_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects weight '@e' of shape [?, 6], but found 'tensor<8x4xf32>'}}
  %1 = quoin.embed %ids by @e : tensor<?x6xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @embed_without_a_weight head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects 'weight' to name a quoin.weight, but found @none}}
  %1 = quoin.embed %ids by @none : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
