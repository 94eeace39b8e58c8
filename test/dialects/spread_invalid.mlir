// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @spread_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  // expected-error @+1 {{expects weight '@e' of rank 1, but found 'tensor<8x4xf32>'}}
  %0 = quoin.spread @e over %positions : tensor<?xindex> -> tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<5xf32> from "model.safetensors" tensor "n"
quoin.model @spread_c1_length head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  // expected-error @+1 {{expects weight '@n' of length 4, but found 5}}
  %0 = quoin.spread @n over %positions : tensor<?xindex> -> tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
