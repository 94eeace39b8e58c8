// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
quoin.decoder @suspend_scores_c1(%x, %max) settings {} {
  %r = quoin.span %max to %max
  %l = quoin.forward @m of %x[to %max] read %r mask #quoin.mask<causal>
  // expected-error @+1 {{expects a successor whose first argument is rows of f32, but found 'tensor<?xi32>'}}
  quoin.suspend_scores %l ^bb1(%x : !quoin.sequence)
  ^bb1(%t: tensor<?xi32>, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
quoin.decoder @suspend_scores_c1_tokens(%x, %max) settings {} {
  %r = quoin.span %max to %max
  %l = quoin.forward @m of %x[to %max] read %r mask #quoin.mask<causal>
  // expected-error @+1 {{expects a successor whose first argument is tensor<?xi32>, but found 'tensor<?x8xf32>'}}
  quoin.suspend_scores %l for %r ^bb1(%x : !quoin.sequence)
  ^bb1(%s: tensor<?x8xf32>, %p: tensor<?xf32>, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
quoin.decoder @suspend_scores_c1_probabilities(%x, %max) settings {} {
  %r = quoin.span %max to %max
  %l = quoin.forward @m of %x[to %max] read %r mask #quoin.mask<causal>
  // expected-error @+1 {{expects a successor whose second argument is tensor<?xf32>, but found 'tensor<?xi32>'}}
  quoin.suspend_scores %l for %r ^bb1(%x : !quoin.sequence)
  ^bb1(%s: tensor<?xi32>, %p: tensor<?xi32>, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}
