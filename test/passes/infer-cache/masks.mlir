// RUN: quoin-opt %s --quoin-infer-cache | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
#window = #quoin.mask<(q, k)[a] : k le q or (q ge a and k ge a)>
#observed_first = #quoin.mask<(q, k) : open(k) lt open(q) or (open(k) eq open(q) and k le q)>
#prompt = #quoin.mask<(q, k)[P] : (q lt P and k lt P) or (q ge P and (k - P) floordiv 8 le (q - P) floordiv 8)>
#causal = #quoin.mask<causal>
#full = #quoin.mask<full>

// The window's start moves from call to call: rows below it are kept.
// CHECK-LABEL: @windows_keep_what_is_below_their_start
// CHECK: %[[A:.+]] = arith.subi
// CHECK: %[[MIN:.+]] = arith.minsi %[[A]], %[[N:.+]] : index
// CHECK: %[[KEEP:.+]] = arith.maxsi %[[MIN]], %{{.+}} : index
// CHECK: %[[V:.+]] = quoin.reuse %{{.+}} of %{{.+}}[to %[[N]]] then %{{.+}} at %{{.+}} read %{{.+}} limit %[[KEEP]]
// CHECK: quoin.forward_cached %{{.+}} from %[[V]] keep %[[KEEP]] @m
quoin.decoder @windows_keep_what_is_below_their_start(%x0, %max) settings {} {
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %fill = quoin.setting @fill : i32
  %xe = scf.for %i = %c1 to %max step %c1 iter_args(%x = %x0) -> (!quoin.sequence) {
    %n = quoin.length %x
    %a = arith.subi %n, %c1 : index
    %to = arith.addi %n, %c4 : index
    %at = quoin.span %n to %to
    %ids = tensor.splat %fill[%c4] : tensor<?xi32>
    %rows = quoin.span %a to %to
    %l = quoin.forward @m of %x[to %n] then %ids at %at read %rows mask #window[%a]
    %t = quoin.score %l [token] : tensor<?xi32>
    %y = quoin.append %x, %t
    scf.yield %y : !quoin.sequence
  }
  %p = quoin.length %x0
  %e = quoin.length %xe
  quoin.return %xe[%p to %e]
}

// `then` rows at positions that nobody knows may be seen by any row: nothing is reused.
// CHECK-LABEL: @then_rows_at_unknown_positions_refuse
// CHECK-NOT: quoin.cache
// CHECK: quoin.forward @m
quoin.decoder @then_rows_at_unknown_positions_refuse(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %at = quoin.span %c0 to %max
  %ids = quoin.tokens %x at %at
  %l = quoin.forward @m of %x[to %n] then %ids at %at read %at mask #causal
  quoin.return %x[%c0 to %n]
}

// CHECK-LABEL: @open_positions_end_what_is_kept
// CHECK: %[[V:.+]] = quoin.reuse %[[C:.+]] of %[[X:.+]][to %[[N:.+]]] read %{{.+}} limit %[[N]]
// CHECK: %[[F:.+]] = quoin.first_open %[[X]][%{{.+}} to %[[N]]]
// CHECK: %[[KEEP:.+]] = arith.minsi %[[N]], %[[F]]
// CHECK: quoin.forward_cached %[[C]] from %[[V]] keep %[[KEEP]] @m
quoin.decoder @open_positions_end_what_is_kept(%x0, %max) settings {} {
  %c0 = arith.constant 0 : index
  %x = quoin.extend %x0 by %max
  %n = quoin.length %x
  %rows = quoin.open %x[%c0 to %n]
  %l = quoin.forward @m of %x[to %n] read %rows mask #observed_first
  quoin.return %x[%c0 to %n]
}

// Blocks are counted from the prompt's end, which is the same at all calls.
// CHECK-LABEL: @blocks_may_start_at_a_symbol
// CHECK-DAG: quoin.cache 0 of @m
// CHECK-DAG: %[[P:.+]] = quoin.length %arg0
// CHECK: %[[V:.+]] = quoin.reuse
// CHECK: %[[BEYOND:.+]] = arith.cmpi sge, %[[V]], %[[P]]
// CHECK: %[[D:.+]] = arith.subi %[[V]], %[[P]]
// CHECK: %[[S:.+]] = arith.select %[[BEYOND]], %[[D]], %[[ZERO:.+]] : index
// CHECK: %[[Q:.+]] = arith.divui %[[S]], %[[B:.+]] :
// CHECK: %[[R:.+]] = arith.muli %[[Q]], %[[B]]
// CHECK: %[[SUM:.+]] = arith.addi %[[P]], %[[R]]
// CHECK: %[[ROW:.+]] = arith.maxsi %[[SUM]],
// CHECK: %[[W:.+]] = arith.select %[[BEYOND]], %[[ROW]], %[[ZERO]]
// CHECK: quoin.forward_cached %{{.+}} from %[[W]]
quoin.decoder @blocks_may_start_at_a_symbol(%x0, %max) settings {} {
  %P = quoin.length %x0
  %x = quoin.extend %x0 by %max
  %n = quoin.length %x
  %rows = quoin.open %x[%P to %n]
  %l = quoin.forward @m of %x[to %n] read %rows mask #prompt[%P]
  quoin.return %x[%P to %n]
}

// A second sequence has a cache of its own; what follows from it shares it.
// CHECK-LABEL: @a_reopened_sequence_has_its_own_cache
// CHECK-DAG: %[[C0:.+]] = quoin.cache 0 shared of @m
// CHECK-DAG: %[[C1:.+]] = quoin.cache 1 shared of @m
// CHECK: quoin.forward_cached %[[C0]]
// CHECK: quoin.forward_cached %[[C1]]
// CHECK: quoin.forward_cached %[[C0]]
quoin.decoder @a_reopened_sequence_has_its_own_cache(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %l = quoin.forward @m of %x[to %n] read %rows mask #causal
  %u = quoin.reopen %x[%c0 to %n]
  %v = quoin.commit %u to %c0
  %lu = quoin.forward @m of %v[to %n] read %rows mask #causal
  %ids = quoin.tokens %x at %rows
  %y = quoin.append %x, %ids
  %l2 = quoin.forward @m of %y[to %n] read %rows mask #causal
  quoin.return %x[%c0 to %n]
}
