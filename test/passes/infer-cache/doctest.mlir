// RUN: quoin-opt %s --quoin-infer-cache --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: quoin-opt %s --quoin-infer-cache --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

#block = #quoin.mask<block_causal<4>>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// A commit's pass runs the rows beyond the last commit; a forward those from the block of the first change on.
// CHECK-LABEL: quoin.decoder @block_by_block
// CHECK-DAG: %[[C:.+]] = quoin.cache 0 shared of @m
// CHECK: %[[DONE:.+]] = quoin.committed %[[X:.+]]
// CHECK: %[[MORE:.+]] = arith.cmpi ugt, %[[LO:.+]], %[[DONE]] : index
// CHECK: %[[Y:.+]] = quoin.commit %[[X]] to %[[LO]]{{$}}
// CHECK: scf.if %[[MORE]] {
// CHECK:   %[[LIMIT:.+]] = arith.minsi %[[LO]], %[[DONE]]
// CHECK:   %[[V:.+]] = quoin.reuse %[[C]] of %[[X]][to %[[LO]]] limit %[[LIMIT]]
// CHECK:   %[[Q:.+]] = arith.divui %[[V]], %[[B:.+]] :
// CHECK:   %[[W:.+]] = arith.muli %[[Q]], %[[B]]
// CHECK:   quoin.forward_cached %[[C]] from %[[W]] keep %[[LO]] pass @m of %[[X]][to %[[LO]]] mask
// CHECK: }
// CHECK: %[[V2:.+]] = quoin.reuse %[[C]] of %[[Y]][to %[[HI:.+]]] read %[[ROWS:.+]] limit %[[HI]]
// CHECK: %[[Q2:.+]] = arith.divui %[[V2]],
// CHECK: %[[W2:.+]] = arith.muli %[[Q2]],
// CHECK: quoin.forward_cached %[[C]] from %[[W2]] keep %[[HI]] @m of %[[Y]][to %[[HI]]] read %[[ROWS]] mask
// CHECK-NOT: quoin.forward @m
// REMARK: [Passed] Mask | Category:quoin-infer-cache | {{.*}}k floordiv 4 le q floordiv 4: rows from f(d) = d floordiv 4 * 4 run again if slots from d on change, stable prefix all
// COUNT: infer-cache num-caches-made 1
// COUNT: infer-cache num-commit-passes-made 1
// COUNT: infer-cache num-forwards-cached 1
// COUNT: infer-cache num-masks-refused 0
quoin.decoder @block_by_block(%x0, %max) settings {} {
  %c4 = arith.constant 4 : index
  %lo = quoin.length %x0
  %x1 = quoin.extend %x0 by %c4
  %x2 = quoin.commit %x1 to %lo by pass of @m mask #block
  %hi = quoin.length %x2
  %rows = quoin.open %x2[%lo to %hi]
  %l = quoin.forward @m of %x2[to %hi] read %rows mask #block
  %ids = quoin.score %l [token] : tensor<?xi32>
  %x3 = quoin.fill %x2 at %rows with %ids
  quoin.return %x3[%lo to %hi]
}
