// RUN: quoin-opt %s --quoin-infer-cache --quoin-fuse-commit --split-input-file --remarks-filter='quoin-fuse-commit' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
// Nobody reads its scores, but it is a forward of the program.
// CHECK-LABEL: @an_unread_evaluation_stays
// CHECK: quoin.forward_cached
// REMARK: [Missed] Evaluation | {{.*}}its scores are not read, but it is an evaluation of the program
quoin.decoder @an_unread_evaluation_stays(%x, %max) settings {} {
  %c1 = arith.constant 1 : index
  %n = quoin.length %x
  %rows = quoin.span %c1 to %n
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<causal>
  quoin.return %x[%c1 to %n]
}

// -----

module attributes {quoin.inexact = "sub-block"} {
  quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
  quoin.model @m head @e {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %0 = quoin.embed %ids by @e : tensor<?x4xf32>
    quoin.hidden %0 : tensor<?x4xf32>
  }
  // CHECK-LABEL: @an_approximate_program_keeps_its_passes
  // CHECK: quoin.forward_cached {{.+}} pass @m
  // REMARK: [Missed] Pass | {{.*}}the program is approximate
  quoin.decoder @an_approximate_program_keeps_its_passes(%x, %max) settings {} {
    %n = quoin.length %x
    %y = quoin.commit %x to %n by pass of @m mask #quoin.mask<causal>
    quoin.return %y[%n to %n]
  }
}
