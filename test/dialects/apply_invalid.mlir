// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.input @x : tensor<?x4xf32>
quoin.decoder @apply_c1(%x, %max) settings {} {
  %v = quoin.input_value @x : tensor<?x4xf32>
  // expected-error @+1 {{expects a quoin.model, but found @x}}
  %a = quoin.apply @x(%v) : tensor<?x4xf32> -> tensor<?x4xf32>
  quoin.return %x[%max to %max]
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
quoin.input @x : tensor<?x4xf32>
quoin.decoder @apply_c1_head(%x, %max) settings {} {
  %v = quoin.input_value @x : tensor<?x4xf32>
  // expected-error @+1 {{expects a model that is a function of rows, but @m takes tokens}}
  %a = quoin.apply @m(%v) : tensor<?x4xf32> -> tensor<?x4xf32>
  quoin.return %x[%max to %max]
}

// -----

quoin.model @rows {
^bb0(%x: tensor<?x4xf32>):
  quoin.results %x : tensor<?x4xf32>
}
quoin.input @x : tensor<?x5xf32>
quoin.decoder @apply_c2(%x, %max) settings {} {
  %v = quoin.input_value @x : tensor<?x5xf32>
  // expected-error @+1 {{expects operands 'tensor<?x4xf32>' of @rows, but found 'tensor<?x5xf32>'}}
  %a = quoin.apply @rows(%v) : tensor<?x5xf32> -> tensor<?x4xf32>
  quoin.return %x[%max to %max]
}

// -----

quoin.model @rows {
^bb0(%x: tensor<?x4xf32>):
  quoin.results %x : tensor<?x4xf32>
}
quoin.input @x : tensor<?x4xf32>
quoin.decoder @suspend_apply_c2(%x, %max) settings {} {
  %v = quoin.input_value @x : tensor<?x4xf32>
  // expected-error @+1 {{expects results 'tensor<?x4xf32>' of @rows, but found 'tensor<?x5xf32>'}}
  quoin.suspend_apply @rows(%v : tensor<?x4xf32>) gives 1 ^bb1
^bb1(%a: tensor<?x5xf32>):
  quoin.return %x[%max to %max]
}

// -----

quoin.model @rows {
^bb0(%x: tensor<?x4xf32>):
  quoin.results %x : tensor<?x4xf32>
}
quoin.decoder @forward_c1(%x, %max) settings {} {
  %r = quoin.span %max to %max
  // expected-error @+1 {{expects a model of tokens, but @rows takes none}}
  %l = quoin.forward @rows of %x[to %max] read %r mask #quoin.mask<causal>
  quoin.return %x[%max to %max]
}
