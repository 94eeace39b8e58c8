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
