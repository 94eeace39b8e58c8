// RUN: quoin-opt %s --quoin-infer-cache --quoin-permute-tokens --quoin-approximate-cache=policy=dual --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

// A program that says where its tokens stand: what a mask proves of slots holds wherever they are; what it proves of positions does not.

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// Branches side by side, at the same positions.
// CHECK-LABEL: @causal_by_slot
// CHECK: quoin.forward_cached
// REMARK: rows from f(d) = d run again if slots from d on change, stable prefix all
quoin.decoder @causal_by_slot(%x, %max) settings {} {
  %c1 = arith.constant 1 : index
  %n = quoin.length %x
  %at = quoin.span %c1 to %max
  %ids = quoin.tokens %x at %at
  %y = quoin.append %x, %ids at %at label %c1
  %m = quoin.length %y
  %l = quoin.forward @m of %y[to %m] read %at mask #quoin.mask<(q, k) : slot(k) le slot(q) and (label(k) eq 0 or label(k) eq label(q))>
  quoin.return %y[%n to %m]
}

// A later slot may stand before an earlier one.
// CHECK-LABEL: @causal_by_position
// CHECK: quoin.forward @m
// REMARK: mask (q, k) : k le q: no cut is provable, a change may reach every row (position 0 sees slot 1 at position 0 behind it); everything runs again
quoin.decoder @causal_by_position(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %at = quoin.span %c0 to %max
  %ids = quoin.tokens %x at %at
  %y = quoin.append %x, %ids at %at
  %m = quoin.length %y
  %l = quoin.forward @m of %y[to %m] read %at mask #quoin.mask<causal>
  quoin.return %y[%n to %m]
}

// Nothing is sorted by what a place says of a position, and nothing approximated.
// CHECK-LABEL: @known_first
// CHECK-NOT: quoin.permute_tokens
// CHECK: quoin.forward @m
// REMARK: the program says where its tokens stand
quoin.decoder @known_first(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %at = quoin.span %c0 to %max
  %ids = quoin.tokens %x at %at
  %y = quoin.append %x, %ids at %at
  %m = quoin.length %y
  %l = quoin.forward @m of %y[to %m] read %at mask #quoin.mask<observed_first>
  quoin.return %y[%n to %m]
}
