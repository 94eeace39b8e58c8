// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
func.func @forward_cached_c1(%c: !quoin.cache, %x: !quoin.sequence, %n: index, %i: tensor<?xi32>, %p: tensor<?xindex>, %l: tensor<?xindex>, %r: tensor<?xindex>) {
  // expected-error @+1 {{expects a quoin.model, but found @e}}
  %a = quoin.forward_cached %c from %n keep %n @e of %x[to %n] read %r mask #quoin.mask<causal>
  return
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
func.func @forward_cached_c2(%c: !quoin.cache, %x: !quoin.sequence, %n: index, %i: tensor<?xi32>, %p: tensor<?xindex>, %l: tensor<?xindex>, %r: tensor<?xindex>) {
  // expected-error @+1 {{expects 0 symbols of its mask, but found 1}}
  %a = quoin.forward_cached %c from %n keep %n @m of %x[to %n] read %r mask #quoin.mask<causal>[%n]
  return
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
func.func @forward_cached_c3(%c: !quoin.cache, %x: !quoin.sequence, %n: index, %i: tensor<?xi32>, %p: tensor<?xindex>, %l: tensor<?xindex>, %r: tensor<?xindex>) {
  // expected-error @+1 {{expects a pass to read nothing}}
  %a = quoin.forward_cached %c from %n keep %n pass @m of %x[to %n] read %r mask #quoin.mask<causal>
  return
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %0 = arith.addf %a, %c : tensor<?x4xf32>
  quoin.hidden %0 results %0 : tensor<?x4xf32>, tensor<?x4xf32>
}
func.func @forward_cached_c4(%c: !quoin.cache, %x: !quoin.sequence, %n: index, %r: tensor<?xindex>) {
  // expected-error @+1 {{expects columns of @m, 'tensor<?x4xf32>', 'tensor<?x4xf32>', but found none}}
  %l, %h = quoin.forward_cached %c from %n keep %n @m of %x[to %n] read %r mask #quoin.mask<causal> -> !quoin.logits, tensor<?x4xf32>
  return
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %0 = arith.addf %a, %c : tensor<?x4xf32>
  quoin.hidden %0 results %0 : tensor<?x4xf32>, tensor<?x4xf32>
}
func.func @forward_cached_c5(%c: !quoin.cache, %x: !quoin.sequence, %n: index, %a: tensor<?x4xf32>, %r: tensor<?xindex>) {
  // expected-error @+1 {{expects results of @m, '!quoin.logits', 'tensor<?x4xf32>', but found 'tensor<?x4xf32>'}}
  %h = quoin.forward_cached %c from %n keep %n @m of %x[to %n] with (%a, %a : tensor<?x4xf32>, tensor<?x4xf32>) read %r mask #quoin.mask<causal> -> tensor<?x4xf32>
  return
}
