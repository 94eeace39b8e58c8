// RUN: quoin-opt %s --quoin-infer-cache --quoin-fuse-commit --quoin-permute-tokens --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: quoin-opt %s --quoin-infer-cache --quoin-fuse-commit --quoin-permute-tokens --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// Known tokens first: causal once sorted so. All known slots are kept, wherever the first open position is.
// CHECK-LABEL: quoin.decoder @known_tokens_come_first
// CHECK: %[[C:.+]] = quoin.cache 0 shared of @m
// CHECK: %[[X:.+]] = quoin.extend
// CHECK-NEXT: %[[N:.+]] = quoin.length %[[X]]
// CHECK-NEXT: %[[ROWS:.+]] = quoin.open %[[X]]
// CHECK-NEXT: %[[Y:.+]], %[[SLOTS:.+]], %[[KNOWN:.+]] = quoin.permute_tokens %[[X]][to %[[N]]] by open read %[[ROWS]]
// CHECK-NEXT: %[[V:.+]] = quoin.reuse %[[C]] of %[[Y]][to %[[N]]] read %[[SLOTS]] limit %[[KNOWN]]
// CHECK-NEXT: quoin.forward_cached %[[C]] from %[[V]] keep %[[KNOWN]] @m of %[[Y]][to %[[N]]] read %[[SLOTS]] mask <(q, k) : slot(k) le slot(q)>
// CHECK-NOT: quoin.first_open
// REMARK: [Passed] Sort | Category:quoin-permute-tokens | {{.*}}mask (q, k) : open(k) lt open(q) or open(k) eq open(q) and k le q is causal once tokens are sorted by open: known tokens behind open ones keep their keys
// COUNT: permute-tokens num-forwards-sorted 1
// COUNT: permute-tokens num-masks-made-causal 1
// COUNT: permute-tokens num-masks-refused 0
quoin.decoder @known_tokens_come_first(%x0, %max) settings {} {
  %c0 = arith.constant 0 : index
  %p = quoin.length %x0
  %x1 = quoin.commit %x0 to %p by pass of @m mask #quoin.mask<causal>
  %x2 = quoin.extend %x1 by %max
  %n = quoin.length %x2
  %rows = quoin.open %x2[%p to %n]
  %l = quoin.forward @m of %x2[to %n] read %rows mask #quoin.mask<observed_first>
  %ids = quoin.score %l [token] : tensor<?xi32>
  %x3 = quoin.fill %x2 at %rows with %ids
  quoin.return %x3[%p to %n]
}
