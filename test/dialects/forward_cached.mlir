// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK-LABEL: @reads_or_passes
// CHECK: quoin.forward_cached %{{.+}} from %{{.+}} keep %{{.+}} @m of %{{.+}}[to %{{.+}}] read %{{.+}} mask <(q, k) : k le q>
// CHECK: quoin.forward_cached %{{.+}} from %{{.+}} keep %{{.+}} pass @m of %{{.+}}[to %{{.+}}] mask <(q, k)[a] : k le a>[%{{.+}}]
func.func @reads_or_passes(%c: !quoin.cache, %x: !quoin.sequence, %n: index, %i: tensor<?xi32>, %p: tensor<?xindex>, %l: tensor<?xindex>, %r: tensor<?xindex>) {
  %a = quoin.forward_cached %c from %n keep %n @m of %x[to %n] read %r mask #quoin.mask<causal>
  %b = quoin.forward_cached %c from %n keep %n pass @m of %x[to %n] mask #quoin.mask<(q, k)[a] : k le a>[%n]
  return
}
