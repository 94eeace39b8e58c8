// A recurrence lets a row depend on all before it: what runs again is what the masks say, as states are kept. Its cache is no one else's.
// RUN: quoin-opt %s --quoin-infer-cache --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.scan %0 heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    %p = arith.addf %s, %x : tensor<2xf32>
    quoin.row %p, %p : tensor<2xf32>, tensor<2xf32>
  }
  quoin.hidden %1 : tensor<?x4xf32>
}

// CHECK-LABEL: @causal
// CHECK: %[[C:.+]] = quoin.cache 0 of @m
// CHECK: %[[V:.+]] = quoin.reuse %[[C]]
// CHECK: quoin.forward_cached %[[C]] from %[[V]]
// REMARK-DAG: [Passed] States | {{.*}}what it has summed up is kept where calls end; a call goes on from the last of these places before its first row
quoin.decoder @causal(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<causal>
  quoin.return %x[%c0 to %n]
}

// Where the mask proves no cut, nothing is kept.
// CHECK-LABEL: @no_cut
// CHECK-NOT: quoin.cache
// CHECK: quoin.forward @m
// REMARK-DAG: [Missed] Mask | {{.*}}everything runs again
quoin.decoder @no_cut(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<(q, k) : k - q lt 4 and q - k lt 4>
  quoin.return %x[%c0 to %n]
}

quoin.model @tree head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.scan %0 seen heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    %p = arith.addf %s, %x : tensor<2xf32>
    quoin.row %p, %p : tensor<2xf32>, tensor<2xf32>
  }
  quoin.hidden %1 : tensor<?x4xf32>
}

// Nodes behind the text see all of it, so the states behind its last row are what all of them go on from.
// CHECK-LABEL: @nodes_of_a_tree
// CHECK: %[[C:.+]] = quoin.cache 0 of @tree
// CHECK: quoin.forward_cached %[[C]] from %{{.+}} keep %{{.+}} @tree
quoin.decoder @nodes_of_a_tree(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %at = tensor.splat %n[%c4] : tensor<?xindex>
  %labels = arith.constant dense<[1, 2, 3, 4]> : tensor<4xindex>
  %l4 = tensor.cast %labels : tensor<4xindex> to tensor<?xindex>
  %word = arith.constant 5 : i32
  %ids = tensor.splat %word[%c4] : tensor<?xi32>
  %l = quoin.forward @tree of %x[to %n] then %ids at %at label %l4 read %rows
      mask #quoin.mask<(q, k)[n] : k le q and (k lt n or (q eq k and label(q) eq label(k)))>[%n]
  quoin.return %x[%c0 to %n]
}

// Every second row goes on from the one before the last, whose states are not kept.
// CHECK-LABEL: @two_threads
// CHECK-NOT: quoin.cache
// CHECK: quoin.forward @tree
// REMARK-DAG: [Missed] States | {{.*}}a row may not see a slot that is kept before it, so it may go on from one whose states are not; everything runs again
quoin.decoder @two_threads(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %l = quoin.forward @tree of %x[to %n] read %rows mask #quoin.mask<(q, k) : k le q and k mod 2 eq q mod 2>
  quoin.return %x[%c0 to %n]
}
