// RUN: quoin-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{expects 1 to 14 arguments of rows in a model without ids, but found 'tensor<?x4xf32>'}}
quoin.model @model_c11 {
^bb0(%x0: tensor<?x4xf32>, %x1: tensor<?x4xf32>, %x2: tensor<?x4xf32>, %x3: tensor<?x4xf32>, %x4: tensor<?x4xf32>, %x5: tensor<?x4xf32>, %x6: tensor<?x4xf32>, %x7: tensor<?x4xf32>, %x8: tensor<?x4xf32>, %x9: tensor<?x4xf32>, %x10: tensor<?x4xf32>, %x11: tensor<?x4xf32>, %x12: tensor<?x4xf32>, %x13: tensor<?x4xf32>, %x14: tensor<?x4xf32>):
  quoin.results %x0 : tensor<?x4xf32>
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
