// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
quoin.decoder @suspend_forward_c1(%x, %max) settings {} {
  %c = quoin.cache 0 of @m
  %r = quoin.span %max to %max
  // expected-error @+1 {{expects a quoin.model, but found @e}}
  quoin.suspend_forward @e of %x[to %max] read %r mask #quoin.mask<causal> ^bb1(%x : !quoin.sequence)
  ^bb1(%l: !quoin.logits, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
quoin.decoder @suspend_forward_c2(%x, %max) settings {} {
  %c = quoin.cache 0 of @m
  %r = quoin.span %max to %max
  // expected-error @+1 {{expects 0 symbols of its mask, but found 1}}
  quoin.suspend_forward @m of %x[to %max] read %r mask #quoin.mask<causal>[%max] ^bb1(%x : !quoin.sequence)
  ^bb1(%l: !quoin.logits, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
quoin.decoder @suspend_forward_c3(%x, %max) settings {} {
  %c = quoin.cache 0 of @m
  %r = quoin.span %max to %max
  // expected-error @+1 {{expects 'from' and 'keep' with a cache and only with it}}
  "quoin.suspend_forward"(%c, %x, %max, %r, %x) [^bb1] <{model = @m, mask = #quoin.mask<causal>, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1>}> : (!quoin.cache, !quoin.sequence, index, tensor<?xindex>, !quoin.sequence) -> ()
  ^bb1(%l: !quoin.logits, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
quoin.decoder @suspend_forward_without_logits(%x, %max) settings {} {
  %c = quoin.cache 0 of @m
  %r = quoin.span %max to %max
  // expected-error @+1 {{expects a successor whose first argument is !quoin.logits}}
  quoin.suspend_forward @m of %x[to %max] read %r mask #quoin.mask<causal> ^bb1
  ^bb1(%y: !quoin.sequence):
  quoin.return %y[%max to %max]
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %0 = arith.addf %a, %c : tensor<?x4xf32>
  quoin.hidden %0 results %0 : tensor<?x4xf32>, tensor<?x4xf32>
}
quoin.decoder @suspend_forward_c4(%x, %max) settings {} {
  %r = quoin.span %max to %max
  // expected-error @+1 {{expects columns of @m, 'tensor<?x4xf32>', 'tensor<?x4xf32>', but found none}}
  quoin.suspend_forward @m of %x[to %max] read %r mask #quoin.mask<causal> gives 2 ^bb1
^bb1(%l: !quoin.logits, %h: tensor<?x4xf32>):
  quoin.return %x[%max to %max]
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %0 = arith.addf %a, %c : tensor<?x4xf32>
  quoin.hidden %0 results %0 : tensor<?x4xf32>, tensor<?x4xf32>
}
quoin.input @a : tensor<?x4xf32>
quoin.decoder @suspend_forward_c5(%x, %max) settings {} {
  %r = quoin.span %max to %max
  %a = quoin.input_value @a : tensor<?x4xf32>
  // expected-error @+1 {{expects results of @m, '!quoin.logits', 'tensor<?x4xf32>', but found '!quoin.logits', 'tensor<?x8xf32>'}}
  quoin.suspend_forward @m of %x[to %max] with (%a, %a : tensor<?x4xf32>, tensor<?x4xf32>) read %r mask #quoin.mask<causal> gives 2 ^bb1
^bb1(%l: !quoin.logits, %h: tensor<?x8xf32>):
  quoin.return %x[%max to %max]
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %0 = arith.addf %a, %c : tensor<?x4xf32>
  quoin.hidden %0 results %0 : tensor<?x4xf32>, tensor<?x4xf32>
}
quoin.input @a : tensor<?x4xf32>
quoin.decoder @suspend_forward_c5_number(%x, %max) settings {} {
  %r = quoin.span %max to %max
  %a = quoin.input_value @a : tensor<?x4xf32>
  // expected-error @+1 {{branch has 2 operands for successor #0, but target block has 1}}
  quoin.suspend_forward @m of %x[to %max] with (%a, %a : tensor<?x4xf32>, tensor<?x4xf32>) read %r mask #quoin.mask<causal> gives 2 ^bb1
^bb1(%l: !quoin.logits):
  quoin.return %x[%max to %max]
}
