// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK-LABEL: quoin.decoder @statistics_then_live_values
// CHECK: quoin.suspend_score %{{.+}}[token, confidence] ^bb1(%{{.+}} : !quoin.sequence)
quoin.decoder @statistics_then_live_values(%x, %max) settings {} {
  %r = quoin.span %max to %max
  %l = quoin.forward @m of %x[to %max] read %r mask #quoin.mask<causal>
  quoin.suspend_score %l [token, confidence] ^bb1(%x : !quoin.sequence)
  ^bb1(%t: tensor<?xi32>, %p: tensor<?xf32>, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}

// CHECK-LABEL: quoin.decoder @a_residual_draw
// CHECK: quoin.suspend_score %{{.+}} minus %{{.+}}[token] at %{{.+}}, %{{.+}} ^bb1(%{{.+}} : !quoin.sequence)
quoin.decoder @a_residual_draw(%x, %max) settings {} {
  %r = quoin.span %max to %max
  %l = quoin.forward @m of %x[to %max] read %r mask #quoin.mask<causal>
  quoin.suspend_score %l minus %l [token] at %r, %max ^bb1(%x : !quoin.sequence)
  ^bb1(%t: tensor<?xi32>, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}
