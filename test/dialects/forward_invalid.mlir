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

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %0 = arith.addf %a, %c : tensor<?x4xf32>
  quoin.hidden %0 results %0 : tensor<?x4xf32>, tensor<?x4xf32>
}
func.func @forward_c4(%x: !quoin.sequence, %n: index, %a: tensor<?x4xf32>, %r: tensor<?xindex>) {
  // expected-error @+1 {{expects columns of @m, 'tensor<?x4xf32>', 'tensor<?x4xf32>', but found 'tensor<?x4xf32>'}}
  %l, %h = quoin.forward @m of %x[to %n] with (%a : tensor<?x4xf32>) read %r mask #quoin.mask<causal> -> !quoin.logits, tensor<?x4xf32>
  return
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %0 = arith.addf %a, %c : tensor<?x4xf32>
  quoin.hidden %0 results %0 : tensor<?x4xf32>, tensor<?x4xf32>
}
func.func @forward_c5(%x: !quoin.sequence, %n: index, %a: tensor<?x4xf32>, %r: tensor<?xindex>) {
  // expected-error @+1 {{expects results of @m, '!quoin.logits', 'tensor<?x4xf32>', but found '!quoin.logits'}}
  %l = quoin.forward @m of %x[to %n] with (%a, %a : tensor<?x4xf32>, tensor<?x4xf32>) read %r mask #quoin.mask<causal>
  return
}
