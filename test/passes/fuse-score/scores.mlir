// Scores that a program has as numbers, or the likeliest tokens of rows, are asked for where they are read, and not at all if nobody reads them.
// RUN: quoin-opt %s --quoin-fuse-score --remarks-filter='quoin-fuse-score' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// Its call is one whose rows are read.
// CHECK-LABEL: @read
// CHECK: quoin.forward_cached {{.*}} read
// CHECK: quoin.materialize
// CHECK-NEXT: quoin.output
quoin.decoder @read(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %c = quoin.cache 0 of @m
  %l = quoin.forward_cached %c from %c0 keep %n @m of %x[to %n] read %rows mask #quoin.mask<causal>
  %s = quoin.materialize %l : tensor<?x8xf32>
  quoin.output @scores %s : tensor<?x8xf32>
  quoin.return %x[%c0 to %n]
}

// CHECK-LABEL: @not_read
// CHECK-NOT: quoin.materialize
// CHECK-NOT: quoin.likeliest
// CHECK: quoin.forward_cached {{.*}}[to %{{.+}}] mask
// REMARK-DAG: [Passed] Scores | {{.*}}nobody reads them
// REMARK-DAG: [Passed] Call | {{.*}}its scores are not read
quoin.decoder @not_read(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %c = quoin.cache 0 of @m
  %l = quoin.forward_cached %c from %c0 keep %n @m of %x[to %n] read %rows mask #quoin.mask<causal>
  %s = quoin.materialize %l : tensor<?x8xf32>
  %t, %p = quoin.likeliest %l for %rows
  quoin.return %x[%c0 to %n]
}

// CHECK-LABEL: @on_one_side
// CHECK: scf.if
// CHECK-NEXT: quoin.likeliest
quoin.decoder @on_one_side(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<causal>
  %t, %p = quoin.likeliest %l for %rows
  %is = arith.cmpi eq, %n, %c0 : index
  %y = scf.if %is -> (!quoin.sequence) {
    %z = quoin.append %x, %t
    scf.yield %z : !quoin.sequence
  } else {
    scf.yield %x : !quoin.sequence
  }
  quoin.return %y[%c0 to %n]
}
