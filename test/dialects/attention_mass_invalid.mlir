// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_mass_c1 {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %group: tensor<?x1xi32>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects kv_heads that divides heads 4, but found 3}}
  %mass = quoin.attention_mass %0, %0 to %group heads 4 kv_heads 3 head_dim 1 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x3xf32>
  quoin.results %mass : tensor<?x3xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_mass_c2 {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %group: tensor<?x1xi32>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a query of width 8, but found 4}}
  %mass = quoin.attention_mass %0, %0 to %group heads 4 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x3xf32>
  quoin.results %mass : tensor<?x3xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_mass_c2_key {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %group: tensor<?x1xi32>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a key of width 2, but found 4}}
  %mass = quoin.attention_mass %0, %0 to %group heads 2 kv_heads 1 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x3xf32>
  quoin.results %mass : tensor<?x3xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_mass_c3 {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %group: tensor<?x1xi32>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a finite scale below 2^126, but found 0x7FF0000000000000 : f64}}
  %mass = quoin.attention_mass %0, %0 to %group heads 2 kv_heads 2 head_dim 2 scale 0x7FF0000000000000 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x3xf32>
  quoin.results %mass : tensor<?x3xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_mass_c4 {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %group: tensor<?x1xi32>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a head_dim from 1 to 512, but found 0}}
  %mass = quoin.attention_mass %0, %0 to %group heads 2 kv_heads 2 head_dim 0 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x3xf32>
  quoin.results %mass : tensor<?x3xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_mass_c5 {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %group: tensor<?x1xi32>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a formula of positions and labels alone, but found #quoin.mask<(q, k) : slot(k) le slot(q)>}}
  %mass = quoin.attention_mass %0, %0 to %group heads 2 kv_heads 2 head_dim 2 within #quoin.mask<(q, k) : slot(k) le slot(q)> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x3xf32>
  quoin.results %mass : tensor<?x3xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_mass_c6 {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %group: tensor<?x1xi32>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects at most 1024 groups, but found 1025}}
  %mass = quoin.attention_mass %0, %0 to %group heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x1025xf32>
  quoin.results %mass : tensor<?x1025xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c7_c12_groups each_sequence [2] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %group: tensor<?x1xi32>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects groups of rows of the call, all of which run in every layer, but found rows of sequences}}
  %mass = quoin.attention_mass %0, %0 to %group heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x3xf32>
  quoin.results %mass : tensor<?x3xf32>
}
