// RUN: quoin-opt %s --quoin-infer-cache --quoin-permute-tokens --remarks-filter='quoin-permute-tokens' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// ENAT: known tokens see known ones, open tokens see open ones; which is which is known at run time only.
// CHECK-LABEL: quoin.decoder @known_and_open_apart
// CHECK-NOT: quoin.cache
// CHECK: %[[Y:.+]], %[[SLOTS:.+]], %{{.+}} = quoin.permute_tokens %{{.+}}[to %[[N:.+]]] by open read %{{.+}}
// CHECK-NEXT: quoin.forward @m of %[[Y]][to %[[N]]] read %[[SLOTS]] mask <(q, k) : open(k) eq open(q)>
// REMARK: open(k) eq open(q): sorted by open 1024 tokens visit 128 tiles instead of 256
quoin.decoder @known_and_open_apart(%x0, %max) settings {} {
  %p = quoin.length %x0
  %x1 = quoin.extend %x0 by %max
  %n = quoin.length %x1
  %rows = quoin.open %x1[%p to %n]
  %l = quoin.forward @m of %x1[to %n] read %rows
      mask #quoin.mask<(q, k) : open(k) eq open(q)>
  %ids = quoin.score %l [token] : tensor<?xi32>
  %x2 = quoin.fill %x1 at %rows with %ids
  quoin.return %x2[%p to %n]
}
