// RUN: quoin-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{expects 'quoin.draft' on a model only, and no value of it}}
quoin.decoder @no_model(%x, %max) settings {} attributes {quoin.draft} {
  quoin.return %x[%max to %max]
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
// expected-error @+1 {{expects 'quoin.draft' on a model only, and no value of it}}
quoin.model @a_value head @e attributes {quoin.draft = 1 : i32} {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
