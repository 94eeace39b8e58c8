// RUN: quoin-opt %s --quoin-infer-cache --quoin-permute-tokens --remarks-filter='quoin-permute-tokens' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: quoin-opt %s --quoin-infer-cache --quoin-permute-tokens --quoin-permute-tokens | FileCheck %s
// RUN: quoin-opt %s --quoin-infer-cache --quoin-permute-tokens --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// NAR: a token sees its wavefront and those before. In the order of positions no cut is provable; sorted by Manhattan distance,
// whole wavefronts are kept.
// CHECK: #[[WAVE:.+]] = affine_map<(d0) -> (d0 floordiv 16 + d0 mod 16)>
// CHECK: #[[CELL:.+]] = affine_map<(d0) -> (((d0 floordiv 16) floordiv 4) * 4 + (d0 mod 16) floordiv 4)>
// CHECK-LABEL: quoin.decoder @wavefronts
// CHECK: %[[C:.+]] = quoin.cache 0 of @m
// CHECK: %[[Y:.+]], %[[SLOTS:.+]], %[[KNOWN:.+]] = quoin.permute_tokens %{{.+}}[to %[[N:.+]]] by position #[[WAVE]] groups read %{{.+}}
// CHECK-NEXT: %[[V:.+]] = quoin.reuse %[[C]] of %[[Y]][to %[[N]]] read %[[SLOTS]] limit %[[KNOWN]]
// CHECK-NEXT: quoin.forward_cached %[[C]] from %[[V]] keep %[[KNOWN]] @m of %[[Y]][to %[[N]]] read %[[SLOTS]] mask <(q, k) : k floordiv 16 + k mod 16 le q floordiv 16 + q mod 16>
// REMARK-DAG: is block-causal once tokens are sorted by position: groups of one wavefront 16 are kept as they are known
quoin.decoder @wavefronts(%x0, %max) settings {} {
  %p = quoin.length %x0
  %x1 = quoin.extend %x0 by %max
  %n = quoin.length %x1
  %rows = quoin.open %x1[%p to %n]
  %l = quoin.forward @m of %x1[to %n] read %rows
      mask #quoin.mask<(q, k) : k floordiv 16 + k mod 16 le q floordiv 16 + q mod 16>
  %ids = quoin.score %l [token] : tensor<?xi32>
  %x2 = quoin.fill %x1 at %rows with %ids
  quoin.return %x2[%p to %n]
}

// xAR: cells of 4 x 4 on a grid of 16, one after the other; the formula writes the key in its own way.
// CHECK-LABEL: quoin.decoder @cells
// CHECK: quoin.permute_tokens %{{.+}} by position #[[CELL]] groups read
quoin.decoder @cells(%x0, %max) settings {} {
  %p = quoin.length %x0
  %x1 = quoin.extend %x0 by %max
  %n = quoin.length %x1
  %rows = quoin.open %x1[%p to %n]
  %l = quoin.forward @m of %x1[to %n] read %rows
      mask #quoin.mask<(q, k) : k floordiv 64 lt q floordiv 64 or (k floordiv 64 eq q floordiv 64 and k mod 16 floordiv 4 le q mod 16 floordiv 4)>
  %ids = quoin.score %l [token] : tensor<?xi32>
  %x2 = quoin.fill %x1 at %rows with %ids
  quoin.return %x2[%p to %n]
}

// VAR: scales told apart by labels, each seeing itself and those before.
// CHECK-LABEL: quoin.decoder @scales
// CHECK: quoin.permute_tokens %{{.+}} by label groups read
// REMARK-DAG: is block-causal once tokens are sorted by label: groups of one label are kept as they are known
quoin.decoder @scales(%x0, %max) settings {} {
  %p = quoin.length %x0
  %x1 = quoin.extend %x0 by %max label %max
  %n = quoin.length %x1
  %rows = quoin.open %x1[%p to %n]
  %l = quoin.forward @m of %x1[to %n] read %rows
      mask #quoin.mask<(q, k) : label(k) le label(q)>
  %ids = quoin.score %l [token] : tensor<?xi32>
  %x2 = quoin.fill %x1 at %rows with %ids
  quoin.return %x2[%p to %n]
}

// CtrlDiff: blocks of any length, told apart by labels. The cache that commits made for their passes keeps nothing in the order of
// positions; sorted by label it keeps whole blocks. What a commit adds runs all the same.
// CHECK-LABEL: quoin.decoder @blocks_of_any_length
// CHECK-COUNT-1: quoin.cache 0 of @m
// CHECK-NOT: quoin.cache
// CHECK: %[[Y:.+]], %[[SLOTS:.+]], %[[KNOWN:.+]] = quoin.permute_tokens %{{.+}}[to %[[N:.+]]] by label groups read %{{.+}}
// CHECK-NEXT: %[[V:.+]] = quoin.reuse %[[C:.+]] of %[[Y]][to %[[N]]] read %[[SLOTS]] limit %[[KNOWN]]
// CHECK-NEXT: quoin.forward_cached %[[C]] from %[[V]] keep %[[KNOWN]] @m
// CHECK: %[[Z:.+]], %{{.+}}, %[[KNOWN:.+]] = quoin.permute_tokens %[[X:.+]][to %[[N]]] by label groups read %{{.+}}
// CHECK: %[[DONE:.+]] = quoin.committed %[[X]]
// CHECK-NEXT: %[[MOST:.+]] = arith.minsi %[[KNOWN]], %[[DONE]]
// CHECK-NEXT: %[[V:.+]] = quoin.reuse %[[C]] of %[[Z]][to %[[N]]] limit %[[MOST]]
// CHECK-NEXT: quoin.forward_cached %[[C]] from %[[V]] keep %[[KNOWN]] pass @m
quoin.decoder @blocks_of_any_length(%x0, %max) settings {} {
  %p = quoin.length %x0
  %x1 = quoin.extend %x0 by %max label %max
  %n = quoin.length %x1
  %rows = quoin.open %x1[%p to %n]
  %l = quoin.forward @m of %x1[to %n] read %rows
      mask #quoin.mask<(q, k) : label(k) lt label(q) or (label(k) eq label(q) and (label(q) ne 0 or k le q))>
  %ids = quoin.score %l [token] : tensor<?xi32>
  %x2 = quoin.fill %x1 at %rows with %ids
  %x3 = quoin.commit %x2 to %n by pass of @m
      mask #quoin.mask<(q, k) : label(k) lt label(q) or (label(k) eq label(q) and (label(q) ne 0 or k le q))>
  quoin.return %x3[%p to %n]
}

// Causal streams are causal in the order of positions, whatever else holds: their cache stays as it is.
// CHECK-LABEL: quoin.decoder @causal_streams
// CHECK-NOT: quoin.permute_tokens
quoin.decoder @causal_streams(%x0, %max) settings {} {
  %p = quoin.length %x0
  %x1 = quoin.extend %x0 by %max
  %n = quoin.length %x1
  %rows = quoin.open %x1[%p to %n]
  %l = quoin.forward @m of %x1[to %n] read %rows
      mask #quoin.mask<(q, k) : k mod 8 eq q mod 8 and k le q>
  %ids = quoin.score %l [token] : tensor<?xi32>
  %x2 = quoin.fill %x1 at %rows with %ids
  quoin.return %x2[%p to %n]
}

// COUNT: permute-tokens num-forwards-sorted 5
// COUNT: permute-tokens num-forwards-sorted-for-tiles 0
// COUNT: permute-tokens num-masks-made-block-causal 4
