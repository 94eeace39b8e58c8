// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @rotary_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects an even head_dim that divides the width 4, but found 1}}
  %1 = quoin.rotary %0 at %positions theta 1.0e6 head_dim 1 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @rotary_c1_divides head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects an even head_dim that divides the width 4, but found 6}}
  %1 = quoin.rotary %0 at %positions theta 1.0e6 head_dim 6 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @rotary_c2 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a theta that is finite and positive, but found 0.000000e+00 : f64}}
  %1 = quoin.rotary %0 at %positions theta 0.0 head_dim 2 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
