// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
// expected-error @+1 {{expects a body with arguments tensor<?xi32>, tensor<?xindex> and optionally tensor<?xindex>, with up to 14 columns in front of it, but found 'tensor<?xi32>'}}
quoin.model @model_c1 head @e {
^bb0(%ids: tensor<?xi32>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
// expected-error @+1 {{expects a body that ends in 'quoin.hidden'}}
"quoin.model"() <{sym_name = "model_c2", head = @e}> ({
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  llvm.unreachable
}) : () -> ()

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
// expected-error @+1 {{expects 'head' to name a quoin.weight, but found @nothing}}
quoin.model @model_c3 head @nothing {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @h : tensor<8x6xf32> from "model.safetensors" tensor "h"
// expected-error @+1 {{expects weight '@h' of shape [?, 4], but found 'tensor<8x6xf32>'}}
quoin.model @model_c3 head @h {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c4 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.model' op expects a body of model ops, but found 'arith.mulf'}}
  %1 = arith.mulf %0, %0 : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c4_positions head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a body of model ops, but found 'arith.addi'}}
  %twice = arith.addi %positions, %positions : tensor<?xindex>
  %1 = quoin.rotary %0 at %twice theta 1.0e4 head_dim 4 : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c4_ids head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  // expected-error @+1 {{expects a body of model ops, but found 'arith.addi'}}
  %twice = arith.addi %ids, %ids : tensor<?xi32>
  %0 = quoin.embed %twice by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

// Also where nobody uses it, and where it has no result.
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
func.func private @f()
quoin.model @model_c4_effect head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a body of model ops, but found 'func.call'}}
  func.call @f() : () -> ()
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c4_region head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  // expected-error @+1 {{expects a body of model ops, but found 'arith.constant'}}
  %true = arith.constant true
  scf.if %true {
  }
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c5 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
  // expected-error @+1 {{'arith.addf' op expects operands over the same rows, but found rows of the call and rows read}}
  %2 = arith.addf %0, %1 : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c5_positions head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.rotary' op expects operands over the same rows, but found rows read and rows of the call}}
  %2 = quoin.rotary %1 at %positions theta 1.0e4 head_dim 4 : tensor<?x4xf32>
  quoin.hidden %2 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c5_indices head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.rotary' op expects rows of the call or rows read, but found the indices of rows read}}
  %1 = quoin.rotary %0 at %read theta 1.0e4 head_dim 4 : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c6 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.gather_rows' op expects the body's third argument after 'at', but found rows of the call}}
  %1 = quoin.gather_rows %0 at %positions : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c6_twice head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.gather_rows' op expects rows of the call to gather from, but found rows read}}
  %2 = quoin.gather_rows %1 at %read : tensor<?x4xf32>
  quoin.hidden %2 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c6_indices head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.gather_rows' op expects rows of the call to gather from, but found the indices of rows read}}
  %1 = quoin.gather_rows %read at %read : tensor<?xindex>
  %2 = quoin.gather_rows %0 at %1 : tensor<?x4xf32>
  quoin.hidden %2 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c7_c12_key head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.attention' op expects keys of rows of the call, all of which run in every layer, but found rows read}}
  %2 = quoin.attention %1, %1, %0 rows %read heads 1 kv_heads 1 head_dim 4 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %2 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c7_c12_value head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.attention' op expects values of rows of the call, all of which run in every layer, but found rows read}}
  %2 = quoin.attention %1, %0, %1 rows %read heads 1 kv_heads 1 head_dim 4 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %2 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c7_query_read head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.attention' op expects a query of rows of the call without 'rows', but found rows read}}
  %2 = quoin.attention %1, %0, %0 heads 1 kv_heads 1 head_dim 4 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %2 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c7_query_call head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.attention' op expects a query of rows read with 'rows', but found rows of the call}}
  %1 = quoin.attention %0, %0, %0 rows %read heads 1 kv_heads 1 head_dim 4 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c7_rows head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.attention' op expects the body's third argument after 'rows', but found rows of the call}}
  %1 = quoin.attention %0, %0, %0 rows %positions heads 1 kv_heads 1 head_dim 4 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c8 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.hidden' op expects rows read in a model with a third argument, but found rows of the call}}
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<7x4xf32> from "model.safetensors" tensor "e"
quoin.weight @h : tensor<8x4xf32> from "model.safetensors" tensor "h"
quoin.model @model_c9 head @h {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  // expected-error @+1 {{'quoin.embed' op expects a weight of at least 8 rows, as many as head '@h' has, but found 7}}
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @other : tensor<9x4xf32> from "model.safetensors" tensor "other"
quoin.model @first head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
// expected-error @+1 {{expects a head of as many tokens as that of '@first', 8, but found 9}}
quoin.model @model_c10 head @other {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @other : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

// Rows have a width, and nobody knows how many there are.
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @of_fixed_length head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  // expected-error @+1 {{must be rows of features, tensor<?xWxf32> with a W of at least 1, but got 'tensor<3x4xf32>'}}
  %0 = quoin.embed %ids by @e : tensor<3x4xf32>
  quoin.hidden %0 : tensor<3x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @of_any_width head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  // expected-error @+1 {{must be rows of features, tensor<?xWxf32> with a W of at least 1, but got 'tensor<?x?xf32>'}}
  %0 = quoin.embed %ids by @e : tensor<?x?xf32>
  quoin.hidden %0 : tensor<?x?xf32>
}

// -----

// Model ops stand in models alone.
func.func @elsewhere(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'quoin.swiglu' op expects parent op to be one of 'quoin.model, quoin.weight'}}
  %0 = quoin.swiglu %x, %x : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @used_before_it_is_made head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.swiglu' op expects operands that are made above it, but operand #1 is made below}}
  %1 = quoin.swiglu %0, %2 : tensor<?x4xf32>
  %2 = quoin.swiglu %0, %0 : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}

// -----

quoin.weight @h : tensor<8x4xf32> from "model.safetensors" tensor "h"
// expected-error @+1 {{expects weight '@h' of shape [8], but found 'tensor<8x4xf32>'}}
quoin.model @model_c3_bias head @h bias @h {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @h : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

// expected-error @+1 {{expects a head with 'bias', but found none}}
quoin.model @model_c3_bias_alone bias @h {
^bb0(%x: tensor<?x4xf32>):
  quoin.results %x : tensor<?x4xf32>
}

// -----

module attributes {quoin.vocabulary = 9 : index} {
  quoin.weight @h : tensor<8x4xf32> from "model.safetensors" tensor "h"
  quoin.model @model_c9_tokens head @h {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    // expected-error @+1 {{expects a weight of at least 9 rows, as many as there are tokens, but found 8}}
    %0 = quoin.embed %ids by @h : tensor<?x4xf32>
    quoin.hidden %0 : tensor<?x4xf32>
  }
}

// -----

quoin.weight @h : tensor<8x4xf32> from "model.safetensors" tensor "h"
// expected-error @+1 {{expects 'each_sequence' to number columns from 2 to 2, but found 3}}
quoin.model @model_c1_sequence head @h each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>):
  quoin.hidden %a : tensor<?x4xf32>
}

// -----

// expected-error @+1 {{expects 'each_sequence' in a model of tokens, but it has no ids}}
quoin.model @model_c11_sequence each_sequence [0] {
^bb0(%a: tensor<?x4xf32>):
  quoin.results %a : tensor<?x4xf32>
}

// -----

quoin.weight @h : tensor<8x4xf32> from "model.safetensors" tensor "h"
quoin.model @model_c8_sequence head @h each_sequence [2] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>):
  // expected-error @+1 {{'quoin.hidden' op expects rows of the call in a model without a third argument, but found rows of sequences}}
  quoin.hidden %a : tensor<?x4xf32>
}

// -----

// Rows chosen between layers by what a row program says of them (a predictor, the attention that they have).
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c12 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %kept = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x1xi32> {
  ^bb0(%row: tensor<4xf32>):
    %best = arith.constant dense<0> : tensor<1xi32>
    quoin.row %best : tensor<1xi32>
  }
  // expected-error @+1 {{'quoin.gather_rows' op expects rows that the program reads: every layer runs all rows of a call, but found some that the body selects by 'tensor<?x1xi32>'}}
  %1 = quoin.gather_rows %0 at %kept : tensor<?x4xf32>, tensor<?x1xi32>
  %2 = quoin.attention %1, %1, %1 heads 1 kv_heads 1 head_dim 4 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %2 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c12_tensor head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.model' op expects every layer to run all rows of a call, but found 'tensor.extract_slice', which may select some}}
  %1 = tensor.extract_slice %0[0, 0] [2, 4] [1, 1] : tensor<?x4xf32> to tensor<2x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
