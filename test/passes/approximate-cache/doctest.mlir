// RUN: quoin-opt %s --quoin-approximate-cache='policy=block-external refresh=3' --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: quoin-opt %s --quoin-approximate-cache --quoin-infer-cache --quoin-statistics -o %t 2> %t.count
// RUN: FileCheck %s --check-prefix=CACHED < %t
// RUN: FileCheck %s --check-prefix=COUNT < %t.count

#full = #quoin.mask<full>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// Every row sees every row, so nothing is cached exactly. The loop carries a snapshot and its age; a call is over the
// snapshot (label 1) and the rows that change as they are now (label 2), or over a new snapshot alone.
// CHECK-LABEL: quoin.decoder @a_block_of_a_canvas(
// CHECK-SAME: quoin.inexact = "block-external,refresh=3"
// CHECK: quoin.denoise %[[X:.+]][%[[A:.+]] to %[[B:.+]]] carry %[[X]], %{{.+}} : !quoin.sequence, index
// CHECK: ^bb0(%[[NOW:.+]]: !quoin.sequence, %[[ROWS:.+]]: tensor<?xindex>, %[[OLD:.+]]: !quoin.sequence, %[[AGE:.+]]: index):
// CHECK: %[[NONE:.+]] = arith.cmpi eq, %[[AGE]],
// CHECK: %[[DUE:.+]] = arith.cmpi uge, %[[AGE]],
// CHECK: %[[WHOLE:.+]] = arith.ori %[[NONE]], %[[DUE]]
// CHECK: %[[SNAPSHOT:.+]] = arith.select %[[WHOLE]], %[[NOW]], %[[OLD]] : !quoin.sequence
// CHECK: %[[NEXT:.+]] = arith.select %[[WHOLE]], %{{.+}}, %{{.+}} : index
// CHECK: %[[COMMITTED:.+]] = quoin.committed %[[SNAPSHOT]]
// CHECK: %[[BASE:.+]] = arith.minui %[[COMMITTED]], %[[N:.+]] : index
// CHECK: %[[END:.+]] = arith.select %[[WHOLE]], %[[FROM:.+]], %[[B]] : index
// CHECK: %[[OUTSIDE:.+]] = quoin.span %[[BASE]] to %[[N]]
// CHECK: %[[INSIDE:.+]] = quoin.span %[[FROM]] to %[[END]]
// CHECK: quoin.tokens %[[SNAPSHOT]] at %[[OUTSIDE]]
// CHECK: quoin.tokens %[[NOW]] at %[[INSIDE]]
// CHECK: quoin.forward @m of %[[NOW]][to %[[BASE]]] then %{{.+}} at %{{.+}} label %{{.+}} read %{{.+}} mask <(q, k)[a, b] : k ge 0 and (label(k) le 1 or label(q) ge 2) and (label(q) le 1 or label(k) ne 1 or k lt a or k ge b)>[%[[FROM]], %[[B]]]
// CHECK: quoin.yield %{{.+}}, %[[SNAPSHOT]], %[[NEXT]] : !quoin.sequence, index
// REMARK: [Passed] Call | Category:quoin-approximate-cache | {{.*}}block-external,refresh=3: what is outside the rows that change may be stale

// The snapshot's rows are kept: the next call starts behind them.
// CACHED-LABEL: quoin.decoder @a_block_of_a_canvas(
// CACHED-SAME: quoin.inexact = "dual"
// CACHED: %[[C:.+]] = quoin.cache 0 of @m
// CACHED: %[[V:.+]] = quoin.reuse %[[C]] of %{{.+}}[to %{{.+}}] {{.+}} limit %[[KEEP:.+]]
// CACHED: %[[ALL:.+]] = arith.cmpi sge, %[[V]], %[[KEEP]]
// CACHED: %[[START:.+]] = arith.select %[[ALL]], %[[KEEP]], %{{.+}}
// CACHED: quoin.forward_cached %[[C]] from %[[START]] keep %[[KEEP]] @m
// COUNT: approximate-cache num-calls-approximated 1
// COUNT: approximate-cache num-calls-refused 0
// COUNT: infer-cache num-snapshots-kept 1
quoin.decoder @a_block_of_a_canvas(%prompt, %max) settings {} {
  %c4 = arith.constant 4 : index
  %a = quoin.length %prompt
  %x = quoin.extend %prompt by %max
  %n = quoin.length %x
  %b = arith.addi %a, %c4 : index
  %y = quoin.denoise %x[%a to %b] {
  ^bb0(%now: !quoin.sequence, %rows: tensor<?xindex>):
    %l = quoin.forward @m of %now[to %n] read %rows mask #full
    %ids = quoin.score %l [token] : tensor<?xi32>
    %z = quoin.fill %now at %rows with %ids
    quoin.yield %z
  }
  quoin.return %y[%a to %b]
}
