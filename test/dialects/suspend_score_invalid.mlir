// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
quoin.decoder @suspend_score_c1_types(%x, %max) settings {} {
  %r = quoin.span %max to %max
  %l = quoin.forward @m of %x[to %max] read %r mask #quoin.mask<causal>
  // expected-error @+1 {{expects 'token' of type 'tensor<?xi32>', but found 'tensor<?xf32>'}}
  quoin.suspend_score %l [token] ^bb1(%x : !quoin.sequence)
  ^bb1(%t: tensor<?xf32>, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
quoin.decoder @suspend_score_c1(%x, %max) settings {} {
  %r = quoin.span %max to %max
  %l = quoin.forward @m of %x[to %max] read %r mask #quoin.mask<causal>
  // expected-error @+1 {{branch has 2 operands for successor #0, but target block has 1}}
  quoin.suspend_score %l [token, confidence] ^bb1
  ^bb1(%y: !quoin.sequence):
  quoin.return %y[%max to %max]
}
