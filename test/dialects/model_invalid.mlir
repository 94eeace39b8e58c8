// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
// expected-error @+1 {{expects a body with arguments tensor<?xi32>, tensor<?xindex> and optionally tensor<?xindex>, but found 'tensor<?xi32>'}}
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
