// RUN: quoin-opt %s --quoin-infer-cache --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

// A model that takes columns: slots are kept while these stay what they were. One that looks at no ids does not ask whether a slot is open,
// unless its mask does, and calls with other values that hold for all slots have a cache of their own.

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @blind head @e each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %0 = arith.addf %a, %c : tensor<?x4xf32>
  quoin.hidden %0 results %0 : tensor<?x4xf32>, tensor<?x4xf32>
}
quoin.model @seeing head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = arith.addf %0, %a : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}
quoin.input @a : tensor<?x4xf32>
quoin.input @c : tensor<?x4xf32>
quoin.input @d : tensor<?x4xf32>

// CHECK-LABEL: quoin.decoder @two_vectors
// CHECK-DAG: %[[C0:.+]] = quoin.cache 0 tokenless of @blind
// CHECK-DAG: %[[C1:.+]] = quoin.cache 1 tokenless of @blind
// CHECK: quoin.reuse %[[C0]] of %{{.+}}[to %{{.+}}] with(%[[A:.+]], %[[C:.+]] : tensor<?x4xf32>, tensor<?x4xf32>) read
// CHECK: quoin.forward_cached %[[C0]] {{.*}} with(%[[A]], %[[C]] : tensor<?x4xf32>, tensor<?x4xf32>) {{.*}} -> !quoin.logits, tensor<?x4xf32>
// CHECK: quoin.reuse %[[C1]] of %{{.+}}[to %{{.+}}] with(%[[A]], %[[D:.+]] : tensor<?x4xf32>, tensor<?x4xf32>) read
// CHECK: quoin.forward_cached %[[C1]] {{.*}} with(%[[A]], %[[D]] : tensor<?x4xf32>, tensor<?x4xf32>)
// REMARK: [Passed] Columns | {{.*}}slots are kept while their columns stay the same, open or not
quoin.decoder @two_vectors(%x, %max) settings {} {
  %a = quoin.input_value @a : tensor<?x4xf32>
  %c = quoin.input_value @c : tensor<?x4xf32>
  %d = quoin.input_value @d : tensor<?x4xf32>
  %n = quoin.length %x
  %r = quoin.span %n to %n
  %l, %h = quoin.forward @blind of %x[to %n] with (%a, %c : tensor<?x4xf32>, tensor<?x4xf32>) read %r mask #quoin.mask<causal> -> !quoin.logits, tensor<?x4xf32>
  %k, %g = quoin.forward @blind of %x[to %n] with (%a, %d : tensor<?x4xf32>, tensor<?x4xf32>) read %r mask #quoin.mask<causal> -> !quoin.logits, tensor<?x4xf32>
  quoin.return %x[%n to %n]
}

// CHECK-LABEL: quoin.decoder @ids_count
// CHECK: quoin.cache 0 of @seeing
// REMARK: [Passed] Columns | {{.*}}slots are kept while their columns stay the same, too
quoin.decoder @ids_count(%x, %max) settings {} {
  %a = quoin.input_value @a : tensor<?x4xf32>
  %n = quoin.length %x
  %r = quoin.span %n to %n
  %l = quoin.forward @seeing of %x[to %n] with (%a : tensor<?x4xf32>) read %r mask #quoin.mask<causal>
  quoin.return %x[%n to %n]
}

// CHECK-LABEL: quoin.decoder @open_bits_count
// CHECK: quoin.cache 0 of @blind
quoin.decoder @open_bits_count(%x, %max) settings {} {
  %a = quoin.input_value @a : tensor<?x4xf32>
  %c = quoin.input_value @c : tensor<?x4xf32>
  %n = quoin.length %x
  %r = quoin.span %n to %n
  %l, %h = quoin.forward @blind of %x[to %n] with (%a, %c : tensor<?x4xf32>, tensor<?x4xf32>) read %r mask #quoin.mask<(q, k) : k le q and open(k) eq 0 or k eq q> -> !quoin.logits, tensor<?x4xf32>
  quoin.return %x[%n to %n]
}
