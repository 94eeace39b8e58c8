// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @w : tensor<3x4xf32> from "model.safetensors" tensor "w"
// expected-error @+1 {{expects 1 to 14 arguments of rows in a model without a head, but found 'tensor<?xi32>'}}
quoin.model @model_c11 {
^bb0(%x: tensor<?xi32>):
  %0 = quoin.embed %x by @w : tensor<?x4xf32>
  quoin.results %0 : tensor<?x4xf32>
}

// -----

// expected-error @+1 {{expects a body that ends in 'quoin.results' without a head}}
quoin.model @model_c11_end {
^bb0(%x: tensor<?x4xf32>):
  quoin.hidden %x : tensor<?x4xf32>
}

// -----

quoin.model @model_c11_attention {
^bb0(%x: tensor<?x4xf32>):
  // expected-error @+1 {{expects a head of its model, whose calls say who sees whom, but found none}}
  %0 = quoin.attention %x, %x, %x heads 1 kv_heads 1 head_dim 4 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.results %0 : tensor<?x4xf32>
}

// -----

quoin.model @results_c1 {
^bb0(%x: tensor<?x4xf32>):
  // expected-error @+1 {{expects 1 to 16 results, but found 0}}
  "quoin.results"() : () -> ()
}
