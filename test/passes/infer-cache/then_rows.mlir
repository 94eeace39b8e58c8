// RUN: quoin-opt %s --quoin-infer-cache --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

// What is known of `then` rows (their positions from the text's end on, their labels) is read off the program. Where it shows that
// the text sees none of them, the text is cached, whether or not the mask compares slots.

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
#causal = #quoin.mask<causal>
// Label 0 is causal; other labels see label 0 and themselves.
#labels = #quoin.mask<(q, k) : label(k) eq 0 and k le q or label(q) gt 0 and label(k) eq label(q)>

// CHECK-LABEL: @positions_from_the_end_on
// CHECK: quoin.forward_cached
quoin.decoder @positions_from_the_end_on(%x, %max) settings {ahead = 3 : index} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %fill = quoin.setting @fill : i32
  %K = quoin.setting @ahead : index
  %n = quoin.length %x
  // Runs from n + j on: the start of each is a sum of the length and a counter.
  %none = tensor.empty(%c0) : tensor<?xindex>
  %at = scf.for %j = %c0 to %max step %c1 iter_args(%p = %none) -> (tensor<?xindex>) {
    %a = arith.addi %n, %j : index
    %b = arith.addi %a, %K : index
    %run = quoin.span %a to %b
    %p1 = tensor.concat dim(0) %p, %run : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
    scf.yield %p1 : tensor<?xindex>
  }
  %size = tensor.dim %at, %c0 : tensor<?xindex>
  %ids = tensor.splat %fill[%size] : tensor<?xi32>
  %l = quoin.forward @m of %x[to %n] then %ids at %at read %at mask #causal
  quoin.return %x[%c0 to %n]
}

// CHECK-LABEL: @sums_of_vectors
// CHECK: quoin.forward_cached
quoin.decoder @sums_of_vectors(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %fill = quoin.setting @fill : i32
  %y = quoin.extend %x by %c4
  %n = quoin.length %y
  %p = quoin.length %x
  %steps = quoin.span %c0 to %max
  %starts = tensor.splat %p[%max] : tensor<?xindex>
  %fours = tensor.splat %c4[%max] : tensor<?xindex>
  %a = arith.addi %starts, %steps : tensor<?xindex>
  %at = arith.addi %a, %fours : tensor<?xindex>
  %ids = tensor.splat %fill[%max] : tensor<?xi32>
  %l = quoin.forward @m of %y[to %n] then %ids at %at read %at mask #causal
  quoin.return %y[%c0 to %n]
}

// Rows at any positions, but of another label.
// CHECK-LABEL: @labels_alone
// CHECK: quoin.forward_cached
quoin.decoder @labels_alone(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = quoin.length %x
  %at = quoin.span %c0 to %max
  %ids = quoin.tokens %x at %at
  %label = tensor.splat %c1[%max] : tensor<?xindex>
  %l = quoin.forward @m of %x[to %n] then %ids at %at label %label read %at mask #labels
  quoin.return %x[%c0 to %n]
}

// Label 0 from the end on, other labels anywhere: neither holds of all rows, but one of each part.
// CHECK-LABEL: @parts_are_told_apart
// CHECK: quoin.forward_cached
quoin.decoder @parts_are_told_apart(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = quoin.length %x
  %n2 = arith.addi %n, %c2 : index
  %chain = quoin.span %n to %n2
  %any = quoin.span %c0 to %max
  %at = tensor.concat dim(0) %chain, %any : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
  %zeros = tensor.splat %c0[%c2] : tensor<?xindex>
  %counts = scf.for %j = %c1 to %max step %c1 iter_args(%g = %c1) -> (index) {
    %g1 = arith.addi %g, %c1 : index
    scf.yield %g1 : index
  }
  %ones = tensor.splat %counts[%max] : tensor<?xindex>
  %label = tensor.concat dim(0) %zeros, %ones : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
  %ids = quoin.tokens %x at %at
  %l = quoin.forward @m of %x[to %n] then %ids at %at label %label read %at mask #labels
  quoin.return %x[%c0 to %n]
}

// The text has labels of its own, up to 2.
// CHECK-LABEL: @labels_of_the_text
// CHECK: quoin.forward_cached
quoin.decoder @labels_of_the_text(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %y = quoin.extend %x by %max label %c2
  %n = quoin.length %y
  %at = quoin.span %c0 to %max
  %ids = quoin.tokens %x at %at
  %label = tensor.splat %c3[%max] : tensor<?xindex>
  %l = quoin.forward @m of %y[to %n] then %ids at %at label %label read %at mask #quoin.mask<(q, k) : label(k) le label(q) and (label(k) eq 3 or k le q)>
  quoin.return %y[%c0 to %n]
}

// CHECK-LABEL: @labels_that_meet
// CHECK-NOT: quoin.forward_cached
// CHECK: quoin.forward @m
// REMARK: mask (q, k) : label(k) le label(q) and k le q: a row of the text may see a 'then' row, as far as their positions and labels are known (position {{[0-9]+}} of label 2 sees a 'then' row at position 0 of label 2, behind a text of {{[0-9]+}})
quoin.decoder @labels_that_meet(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %y = quoin.extend %x by %max label %c2
  %n = quoin.length %y
  %at = quoin.span %c0 to %max
  %ids = quoin.tokens %x at %at
  %label = tensor.splat %c2[%max] : tensor<?xindex>
  %l = quoin.forward @m of %y[to %n] then %ids at %at label %label read %at mask #quoin.mask<(q, k) : label(k) le label(q) and k le q>
  quoin.return %y[%c0 to %n]
}

// CHECK-LABEL: @labels_from_zero_on
// CHECK-NOT: quoin.forward_cached
// CHECK: quoin.forward @m
quoin.decoder @labels_from_zero_on(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %at = quoin.span %c0 to %max
  %ids = quoin.tokens %x at %at
  %l = quoin.forward @m of %x[to %n] then %ids at %at label %at read %at mask #labels
  quoin.return %x[%c0 to %n]
}

// The text grows in each turn, and what was its end then is not its end now.
// CHECK-LABEL: @ends_of_earlier_turns
// CHECK-NOT: quoin.forward_cached
// CHECK: quoin.forward @m
quoin.decoder @ends_of_earlier_turns(%x0, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = quoin.length %x0
  %at0 = quoin.span %n0 to %max
  %xe, %ate = scf.for %i = %c0 to %max step %c1 iter_args(%x = %x0, %at = %at0) -> (!quoin.sequence, tensor<?xindex>) {
    %n = quoin.length %x
    %ids = quoin.tokens %x at %at
    %l = quoin.forward @m of %x[to %n] then %ids at %at read %at mask #causal
    %t = quoin.score %l [token] : tensor<?xi32>
    %y = quoin.append %x, %t
    %now = quoin.span %n to %max
    scf.yield %y, %now : !quoin.sequence, tensor<?xindex>
  }
  %n = quoin.length %xe
  quoin.return %xe[%c0 to %n]
}

// A counter that may go down, one that doubles until it wraps, and a difference.
// CHECK-LABEL: @numbers_without_a_bound
// CHECK-NOT: quoin.forward_cached
// CHECK-COUNT-3: quoin.forward @m
quoin.decoder @numbers_without_a_bound(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = quoin.length %x
  %down, %twice = scf.for %i = %c0 to %max step %c1 iter_args(%a = %c1, %b = %c1) -> (index, index) {
    %a1 = arith.subi %a, %c1 : index
    %b1 = arith.addi %b, %b : index
    scf.yield %a1, %b1 : index, index
  }
  %from1 = arith.addi %n, %down : index
  %at1 = quoin.span %from1 to %max
  %ids1 = quoin.tokens %x at %at1
  %l1 = quoin.forward @m of %x[to %n] then %ids1 at %at1 read %at1 mask #causal
  %from2 = arith.addi %n, %twice : index
  %at2 = quoin.span %from2 to %max
  %ids2 = quoin.tokens %x at %at2
  %l2 = quoin.forward @m of %x[to %n] then %ids2 at %at2 read %at2 mask #causal
  %from3 = arith.subi %n, %max : index
  %at3 = quoin.span %from3 to %max
  %ids3 = quoin.tokens %x at %at3
  %l3 = quoin.forward @m of %x[to %n] then %ids3 at %at3 read %at3 mask #causal
  quoin.return %x[%c0 to %n]
}

// A call without text: its rows are kept like those of a text, wherever they stand.
// CHECK-LABEL: @rows_alone
// CHECK: %[[ALL:.+]] = tensor.dim %[[IDS:.+]], %{{.+}} : tensor<?xi32>
// CHECK: %[[V:.+]] = quoin.reuse %[[C:.+]] of %{{.+}}[to %[[ZERO:.+]]] then %[[IDS]] at %{{.+}} read %{{.+}} limit %[[ALL]]
// CHECK: quoin.forward_cached %[[C]] from %[[V]] keep %[[ALL]] @m of %{{.+}}[to %[[ZERO]]] then %[[IDS]]
// REMARK: Rows | {{.*}}rows of calls without text are kept and reused
quoin.decoder @rows_alone(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %ids = quoin.tokens %x at %rows
  %at = tensor.splat %c0[%n] : tensor<?xindex>
  %last = arith.subi %n, %c1 : index
  %read = quoin.span %last to %n
  %l = quoin.forward @m of %x[to %c0] then %ids at %at read %read mask #quoin.mask<(q, k)[n] : slot(k) le slot(q) and (k lt n or k ge n)>[%n]
  quoin.return %x[%c0 to %n]
}

// Their positions are not in order, so a mask that compares positions may let any row see any other.
// CHECK-LABEL: @rows_alone_by_position
// CHECK: %[[ZERO:.+]] = arith.constant 0 : index
// CHECK: quoin.forward_cached %{{.+}} from %{{.+}} keep %[[ZERO]] @m of %{{.+}}[to %[[ZERO]]]
quoin.decoder @rows_alone_by_position(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %ids = quoin.tokens %x at %rows
  %at = tensor.splat %c0[%n] : tensor<?xindex>
  %l = quoin.forward @m of %x[to %c0] then %ids at %at read %rows mask #causal
  quoin.return %x[%c0 to %n]
}

// Forks of a text behind it: a row sees the text and the rows of its own label before it. The next call has these rows and some more, so they are kept.
// CHECK-LABEL: @forks
// CHECK: %[[MANY:.+]] = tensor.dim %[[IDS:.+]], %{{.+}} : tensor<?xi32>
// CHECK: %[[ALL:.+]] = arith.addi %[[N:.+]], %[[MANY]]
// CHECK: %[[V:.+]] = quoin.reuse %[[C:.+]] of %{{.+}}[to %[[N]]] then %[[IDS]] at %{{.+}} label %{{.+}} read %{{.+}} limit %[[ALL]]
// CHECK: quoin.forward_cached %[[C]] from %[[V]] keep %[[ALL]] @m of %{{.+}}[to %[[N]]] then %[[IDS]]
// REMARK: Rows | {{.*}}rows behind the text are kept and reused
quoin.decoder @forks(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %label = quoin.span %c0 to %max
  %ids = quoin.tokens %x at %label
  %at = tensor.splat %n[%max] : tensor<?xindex>
  %l = quoin.forward @m of %x[to %n] then %ids at %at label %label read %at mask #quoin.mask<(q, k) : slot(k) le slot(q) and (label(k) eq 0 or label(k) eq label(q))>
  quoin.return %x[%c0 to %n]
}

// Without the first condition a row may see others of its label behind it: of such a call the text alone is kept.
// CHECK-LABEL: @forks_that_see_ahead
// CHECK: %[[N:.+]] = quoin.length
// CHECK: quoin.reuse {{.*}} limit %[[N]]
// CHECK: quoin.forward_cached %{{.+}} from %{{.+}} keep %[[N]] @m
quoin.decoder @forks_that_see_ahead(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = quoin.length %x
  %ones = tensor.splat %c1[%max] : tensor<?xindex>
  %twos = tensor.splat %c2[%max] : tensor<?xindex>
  %label = tensor.concat dim(0) %twos, %ones : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
  %ids = quoin.tokens %x at %label
  %both = arith.addi %max, %max : index
  %at = tensor.splat %n[%both] : tensor<?xindex>
  %l = quoin.forward @m of %x[to %n] then %ids at %at label %label read %at mask #quoin.mask<(q, k) : k le q and (label(k) eq 0 or label(k) eq label(q))>
  quoin.return %x[%c0 to %n]
}
