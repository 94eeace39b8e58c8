// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
func.func @commit_c1(%x: !quoin.sequence, %n: index) {
  // expected-error @+1 {{expects 0 symbols of its mask, but found 1}}
  %y = quoin.commit %x to %n by pass of @m mask #quoin.mask<causal>[%n]
  return
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
func.func @commit_c1_symbols_alone(%x: !quoin.sequence, %n: index) {
  // expected-error @+1 {{expects symbols only with a mask}}
  %y = quoin.commit %x to %n [%n]
  return
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
func.func @commit_c2(%x: !quoin.sequence, %n: index) {
  // expected-error @+1 {{expects a quoin.model, but found @e}}
  %y = quoin.commit %x to %n by pass of @e mask #quoin.mask<causal>
  return
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %0 = arith.addf %a, %c : tensor<?x4xf32>
  quoin.hidden %0 results %0 : tensor<?x4xf32>, tensor<?x4xf32>
}
func.func @commit_c2_columns(%x: !quoin.sequence, %n: index) {
  // expected-error @+1 {{expects a model of tokens alone, but @m takes other columns}}
  %y = quoin.commit %x to %n by pass of @m mask #quoin.mask<causal>
  return
}
