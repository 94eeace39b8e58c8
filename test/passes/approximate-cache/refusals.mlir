// RUN: quoin-opt %s --quoin-approximate-cache --split-input-file --remarks-filter='quoin-approximate-cache' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: not quoin-opt %s --quoin-approximate-cache=policy=block-external --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=ERROR

// ERROR: expects policy 'block-external' with a refresh interval of at least 1, but found 0
// CHECK-NOT: quoin.inexact
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
// The rows that change are the last ones and the others do not see them: nothing would be stale.
// REMARK: [Missed] Call | {{.*}}what is outside the rows that change is cached exactly
quoin.decoder @block_causal_text_is_cached_exactly(%prompt, %max) settings {} {
  %a = quoin.length %prompt
  %x = quoin.extend %prompt by %max
  %n = quoin.length %x
  %y = quoin.denoise %x[%a to %n] {
  ^bb0(%now: !quoin.sequence, %rows: tensor<?xindex>):
    %l = quoin.forward @m of %now[to %n] read %rows mask #quoin.mask<block_causal<4>>
    %ids = quoin.score %l [token] : tensor<?xi32>
    %z = quoin.fill %now at %rows with %ids
    quoin.yield %z
  }
  quoin.return %y[%a to %n]
}

// REMARK: [Missed] Call | {{.*}}it stands in no loop, so every call is a whole one
quoin.decoder @a_single_call(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.open %x[%c0 to %n]
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<full>
  quoin.return %x[%n to %n]
}

// REMARK: [Missed] Call | {{.*}}the rows it reads are not the open positions of a range known before the loop
quoin.decoder @rows_that_may_be_anywhere(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %y = quoin.denoise %x[%c0 to %n] {
  ^bb0(%now: !quoin.sequence, %open: tensor<?xindex>):
    %rows = quoin.span %c0 to %n
    %l = quoin.forward @m of %now[to %n] read %rows mask #quoin.mask<full>
    %ids = quoin.score %l [token] : tensor<?xi32>
    %z = quoin.fill %now at %rows with %ids
    quoin.yield %z
  }
  quoin.return %y[%n to %n]
}

// REMARK: [Missed] Call | {{.*}}its mask asks for open positions, labels or slots
quoin.decoder @a_mask_that_asks_what_is_open(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %y = quoin.denoise %x[%c0 to %n] {
  ^bb0(%now: !quoin.sequence, %rows: tensor<?xindex>):
    %l = quoin.forward @m of %now[to %n] read %rows mask #quoin.mask<(q, k) : open(k) eq 0 or k le q>
    %ids = quoin.score %l [token] : tensor<?xi32>
    %z = quoin.fill %now at %rows with %ids
    quoin.yield %z
  }
  quoin.return %y[%n to %n]
}
