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

quoin.weight @f : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @columns head @f each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %0 = arith.addf %a, %c : tensor<?x4xf32>
  quoin.hidden %0 results %0 : tensor<?x4xf32>, tensor<?x4xf32>
}
quoin.input @a : tensor<?x4xf32>

// CHECK-LABEL: quoin.decoder @columns_and_results
// CHECK: quoin.suspend_forward @columns of %{{.+}}[to %{{.+}}] with(%{{.+}}, %{{.+}} : tensor<?x4xf32>, tensor<?x4xf32>) read %{{.+}} mask <(q, k) : k le q> gives 2 ^bb1(%{{.+}} : !quoin.sequence)
quoin.decoder @columns_and_results(%x, %max) settings {} {
  %r = quoin.span %max to %max
  %a = quoin.input_value @a : tensor<?x4xf32>
  quoin.suspend_forward @columns of %x[to %max] with (%a, %a : tensor<?x4xf32>, tensor<?x4xf32>) read %r mask #quoin.mask<causal> gives 2 ^bb1(%x : !quoin.sequence)
^bb1(%l: !quoin.logits, %h: tensor<?x4xf32>, %y: !quoin.sequence):
  quoin.return %y[%max to %max]
}
