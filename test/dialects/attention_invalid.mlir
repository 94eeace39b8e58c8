// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects kv_heads that divides heads 4, but found 3}}
  %1 = quoin.attention %0, %0, %0 heads 4 kv_heads 3 head_dim 1 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c2 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a query of width 8, but found 4}}
  %1 = quoin.attention %0, %0, %0 heads 4 kv_heads 4 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c2_key head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a key of width 2, but found 4}}
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 1 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c3 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a finite scale below 2^126, but found 0x7FF0000000000000 : f64}}
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 scale 0x7FF0000000000000 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c2_overflow head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a query of width 18446744073709551612, but found 4}}
  %1 = quoin.attention %0, %0, %0 heads 9223372036854775806 kv_heads 9223372036854775806 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c3_as_f32 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a finite scale below 2^126, but found 9.9999999999999997E+37 : f64}}
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 scale 1.0e38 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c4_none head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a head_dim from 1 to 512, but found 0}}
  %1 = quoin.attention %0, %0, %0 heads 4 kv_heads 4 head_dim 0 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c4 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a head_dim from 1 to 512, but found 513}}
  %1 = quoin.attention %0, %0, %0 heads 1 kv_heads 1 head_dim 513 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c5 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a formula of positions alone, but found #quoin.mask<(q, k) : slot(k) le slot(q)>}}
  %1 = quoin.attention %0, %0, %0 heads 4 kv_heads 4 head_dim 1 within #quoin.mask<(q, k) : slot(k) le slot(q)> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c5_symbol head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a formula of positions alone, but found #quoin.mask<(q, k)[a] : k le a>}}
  %1 = quoin.attention %0, %0, %0 heads 4 kv_heads 4 head_dim 1 within #quoin.mask<(q, k)[a] : k le a> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c5_open head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a formula of positions alone, but found #quoin.mask<(q, k) : k le q and open(k) eq 0>}}
  %1 = quoin.attention %0, %0, %0 heads 4 kv_heads 4 head_dim 1 within #quoin.mask<(q, k) : k le q and open(k) eq 0> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
