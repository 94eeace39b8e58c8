// RUN: quoin-opt %s --quoin-infer-cache --quoin-permute-tokens | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// A scale's tokens may stand anywhere; in the order of positions nothing is reusable, so there was no cache. The mask stays,
// since rows of one scale do not see each other.
// CHECK-LABEL: quoin.decoder @labels_before_positions
// CHECK: %[[C:.+]] = quoin.cache 0 of @m
// CHECK: %[[Y:.+]], %[[SLOTS:.+]], %[[KNOWN:.+]] = quoin.permute_tokens %{{.+}}[to %{{.+}}] by label read %{{.+}}
// CHECK: %[[V:.+]] = quoin.reuse %[[C]] of %[[Y]]
// CHECK: quoin.forward_cached %[[C]] from %[[V]] keep %[[KNOWN]] @m of %[[Y]]{{.*}} mask <(q, k) : label(k) lt label(q) or k eq q and label(k) eq label(q)>
// CHECK-NOT: quoin.forward @m
quoin.decoder @labels_before_positions(%x0, %max) settings {} {
  %c2 = arith.constant 2 : index
  %p = quoin.length %x0
  %x1 = quoin.extend %x0 by %max label %c2
  %n = quoin.length %x1
  %rows = quoin.open %x1[%p to %n]
  %l = quoin.forward @m of %x1[to %n] read %rows
      mask #quoin.mask<(q, k) : label(k) lt label(q) or k eq q and label(k) eq label(q)>
  %ids = quoin.score %l [token] : tensor<?xi32>
  %x3 = quoin.fill %x1 at %rows with %ids
  quoin.return %x3[%p to %n]
}
