// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK-LABEL: quoin.decoder @scores_then_live_values
// CHECK: quoin.suspend_scores %{{.+}} ^bb1(%{{.+}} : !quoin.sequence)
quoin.decoder @scores_then_live_values(%x, %max) settings {} {
  %r = quoin.span %max to %max
  %l = quoin.forward @m of %x[to %max] read %r mask #quoin.mask<causal>
  quoin.suspend_scores %l ^bb1(%x : !quoin.sequence)
  ^bb1(%s: tensor<?x8xf32>, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}

// CHECK-LABEL: quoin.decoder @tokens
// CHECK: quoin.suspend_scores %{{.+}} for %{{.+}} ^bb1
quoin.decoder @tokens(%x, %max) settings {} {
  %r = quoin.span %max to %max
  %l = quoin.forward @m of %x[to %max] read %r mask #quoin.mask<causal>
  quoin.suspend_scores %l for %r ^bb1(%x, %max : !quoin.sequence, index)
  ^bb1(%t: tensor<?xi32>, %p: tensor<?xf32>, %y: !quoin.sequence, %n: index):
  quoin.return %y[%n to %n]
}
