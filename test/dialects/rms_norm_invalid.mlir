// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<3xf32> from "model.safetensors" tensor "n"
quoin.model @rms_norm_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a weight whose length divides the width 4, but found 3}}
  %1 = quoin.rms_norm %0 by @n epsilon 1.0e-6 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @rms_norm_by_a_matrix head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects weight '@e' of rank 1, but found 'tensor<8x4xf32>'}}
  %1 = quoin.rms_norm %0 by @e epsilon 1.0e-6 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.model @rms_norm_c2 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects an epsilon that is 0 or a positive normal number of f32, but found -1.000000e+00 : f64}}
  %1 = quoin.rms_norm %0 by @n epsilon -1.0 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.model @rms_norm_c2_large head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects an epsilon that is 0 or a positive normal number of f32, but found 9.9999999999999994E+38 : f64}}
  %1 = quoin.rms_norm %0 by @n epsilon 1.0e39 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.model @rms_norm_c2_small head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects an epsilon that is 0 or a positive normal number of f32, but found 9.9999999999999992E-40 : f64}}
  %1 = quoin.rms_norm %0 by @n epsilon 1.0e-39 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
