// RUN: quoin-opt %s --quoin-approximate-attention=refresh=3 --remarks-filter='.*' --quoin-statistics -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: quoin-opt %s --quoin-approximate-attention=refresh=3 --quoin-infer-cache | FileCheck %s --check-prefix=CACHED

// Attention is two, of rows in the range (label 1) among themselves and of everything else; what the second gave is a result of the model.
// CHECK-NOT: quoin.model @m head
// CHECK: quoin.model @m.parts head @e {
// CHECK: %[[IN:.+]], %[[INSUM:.+]] = quoin.attention {{.+}} within <(q, k) : label(k) eq 1 and label(q) eq 1> scale
// CHECK: %[[OUT:.+]], %[[OUTSUM:.+]] = quoin.attention {{.+}} within <(q, k) : label(k) ne 1 or label(q) ne 1> scale
// CHECK: quoin.merge_attention %[[OUT]], %[[OUTSUM]] with %[[IN]], %[[INSUM]] : tensor<?x4xf32>, tensor<?x2xf32>
// CHECK: quoin.hidden %{{.+}} results %{{.+}}, %{{.+}} : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x2xf32>
// Or only the first is computed, and the second comes with the call.
// CHECK: quoin.model @m.kept head @e {
// CHECK-NEXT: ^bb0(%{{.+}}: tensor<?xi32>, %{{.+}}: tensor<?xindex>, %{{.+}}: tensor<?x4xf32>, %{{.+}}: tensor<?x2xf32>):
// CHECK: %[[IN:.+]], %[[INSUM:.+]] = quoin.attention {{.+}} within <(q, k) : label(k) eq 1 and label(q) eq 1> scale
// CHECK: %[[OLD:.+]]:2 = quoin.each_row
// CHECK: quoin.merge_attention %[[OLD]]#0, %[[OLD]]#1 with %[[IN]], %[[INSUM]]

// The loop carries the age of what is kept, and what is kept.
// CHECK-LABEL: quoin.decoder @blocks(
// CHECK-SAME: quoin.inexact = "attention-output,refresh=3"
// CHECK: quoin.denoise %{{.+}}[%[[A:.+]] to %[[B:.+]]] carry
// CHECK: ^bb0(%[[NOW:.+]]: !quoin.sequence, %[[ROWS:.+]]: tensor<?xindex>, %[[AGE:.+]]: index, %[[KEPT:.+]]: tensor<?x4xf32>, %[[SUMS:.+]]: tensor<?x2xf32>):
// CHECK: %[[NEXT:.+]]:3 = scf.if %[[WHOLE:.+]] -> (!quoin.logits, tensor<?x4xf32>, tensor<?x2xf32>) {
// CHECK: %[[LABELLED:.+]] = quoin.relabel %[[NOW]]
// CHECK: quoin.forward @m.parts of %[[LABELLED]][to %[[B]]] read %{{.+}} mask <(q, k) : k floordiv 4 le q floordiv 4> -> !quoin.logits, tensor<?x4xf32>, tensor<?x2xf32>
// CHECK: } else {
// CHECK: quoin.forward @m.kept of %[[NOW]][to %{{.+}}] then %{{.+}} at %{{.+}} label %{{.+}} with(%[[KEPT]], %[[SUMS]] : tensor<?x4xf32>, tensor<?x2xf32>) read %{{.+}} mask
// CHECK: quoin.score %[[NEXT]]#0[token]
// CHECK: quoin.yield %{{.+}}, %{{.+}}, %[[NEXT]]#1, %[[NEXT]]#2
// All other calls are of the model with parts, so that all have one cache.
// CHECK: quoin.commit %{{.+}} to %{{.+}} by pass of @m.parts
// REMARK: [Passed] Call | Category:quoin-approximate-attention | {{.*}}attention to what is outside the rows that change is kept for up to 3 steps
// REMARK: approximate-attention num-calls-approximated 1
// REMARK: approximate-attention num-calls-refused 0
// CACHED-LABEL: quoin.decoder @blocks(
// CACHED: quoin.cache 0 {{.*}}of @m.parts
// CACHED-NOT: quoin.cache
// CACHED: quoin.forward_cached {{.+}} @m.parts
// CACHED: quoin.forward @m.kept
// CACHED: quoin.forward_cached {{.+}} pass @m.parts

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}
quoin.decoder @blocks(%prompt, %max) settings {} {
  %c4 = arith.constant 4 : index
  %a = quoin.length %prompt
  %x = quoin.extend %prompt by %c4
  %b = quoin.length %x
  %y = quoin.denoise %x[%a to %b] {
  ^bb0(%now: !quoin.sequence, %rows: tensor<?xindex>):
    %l = quoin.forward @m of %now[to %b] read %rows mask #quoin.mask<block_causal<4>>
    %ids = quoin.score %l [token] : tensor<?xi32>
    %z = quoin.fill %now at %rows with %ids
    quoin.yield %z
  }
  %done = quoin.commit %y to %b by pass of @m mask #quoin.mask<block_causal<4>>
  quoin.return %done[%a to %b]
}
