// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
func.func @forward_c1(%x: !quoin.sequence, %n: index, %i: tensor<?xi32>, %p: tensor<?xindex>, %l: tensor<?xindex>, %r: tensor<?xindex>) {
  // expected-error @+1 {{expects a quoin.model, but found @e}}
  %a = quoin.forward @e of %x[to %n] read %r mask #quoin.mask<causal>
  return
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
func.func @forward_c2(%x: !quoin.sequence, %n: index, %i: tensor<?xi32>, %p: tensor<?xindex>, %l: tensor<?xindex>, %r: tensor<?xindex>) {
  // expected-error @+1 {{expects 1 symbols of its mask, but found 0}}
  %a = quoin.forward @m of %x[to %n] read %r mask #quoin.mask<(q, k)[a] : k le a>
  return
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
func.func @forward_c3(%x: !quoin.sequence, %n: index, %i: tensor<?xi32>, %p: tensor<?xindex>, %l: tensor<?xindex>, %r: tensor<?xindex>) {
  // expected-error @+1 {{expects labels only with 'then' rows}}
  %a = quoin.forward @m of %x[to %n] label %l read %r mask #quoin.mask<causal>
  return
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
func.func @forward_c2_labels(%x: !quoin.sequence, %n: index, %r: tensor<?xindex>) {
  // expected-error @+1 {{expects labels of the sequence, but found the array 'part' in its mask}}
  %a = quoin.forward @m of %x[to %n] read %r mask #quoin.mask<(q, k) where part = [0, 1] : part(k) le part(q)>
  return
}
