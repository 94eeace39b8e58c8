// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @layer_norm_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a weight whose length divides the width 4, but found 3}}
  %1 = quoin.layer_norm %0 by @three epsilon 1.0e-5 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @layer_norm_c1_bias head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a bias whose length divides the width 4, but found 3}}
  %1 = quoin.layer_norm %0 bias @three epsilon 1.0e-5 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @layer_norm_c1_both head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a bias whose length divides the width 4 and is the weight's, but found 4}}
  %1 = quoin.layer_norm %0 by @two bias @four epsilon 1.0e-5 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @layer_norm_c1_matrix head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects weight '@e' of rank 1, but found 'tensor<8x4xf32>'}}
  %1 = quoin.layer_norm %0 by @e epsilon 1.0e-5 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @layer_norm_by_nothing head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects 'bias' to name a quoin.weight, but found @nothing}}
  %1 = quoin.layer_norm %0 by @four bias @nothing epsilon 1.0e-5 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @layer_norm_c2 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects an epsilon that is 0 or a positive normal number of f32, but found -1.000000e+00 : f64}}
  %1 = quoin.layer_norm %0 epsilon -1.0 : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
