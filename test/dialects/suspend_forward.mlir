// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK-LABEL: quoin.decoder @with_a_cache
// CHECK: quoin.suspend_forward @m cache %{{.+}} from %{{.+}} keep %{{.+}} of %{{.+}}[to %{{.+}}] read %{{.+}} mask <(q, k) : k le q> ^bb1(%{{.+}} : !quoin.sequence)
quoin.decoder @with_a_cache(%x, %max) settings {} {
  %c = quoin.cache 0 of @m
  %r = quoin.span %max to %max
  quoin.suspend_forward @m cache %c from %max keep %max of %x[to %max] read %r mask #quoin.mask<causal> ^bb1(%x : !quoin.sequence)
  ^bb1(%l: !quoin.logits, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}

// CHECK-LABEL: quoin.decoder @without_a_cache
// CHECK: quoin.suspend_forward @m of %{{.+}}[to %{{.+}}] read %{{.+}} mask <(q, k) : k le q> ^bb1(
quoin.decoder @without_a_cache(%x, %max) settings {} {
  %c = quoin.cache 0 of @m
  %r = quoin.span %max to %max
  quoin.suspend_forward @m of %x[to %max] read %r mask #quoin.mask<causal> ^bb1(%x : !quoin.sequence)
  ^bb1(%l: !quoin.logits, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}
