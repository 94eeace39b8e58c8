// RUN: quoin-opt %s --quoin-infer-cache | FileCheck %s

// Blocks of lengths of their own, as the scales of a picture: what runs again begins at the last of their ends that is not above the first change.

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
#scales = #quoin.mask<(q, k) : k lt 1 or (q ge 1 and k lt 5) or q ge 5>

// CHECK-LABEL: quoin.decoder @scales
// CHECK: %[[V:.+]] = quoin.reuse %{{.+}} of %{{.+}}[to %[[N:.+]]] read %{{.+}} limit %[[N]]
// CHECK: %[[C0:.+]] = arith.constant 0 : index
// CHECK: %[[C1:.+]] = arith.constant 1 : index
// CHECK: %[[IS1:.+]] = arith.cmpi sge, %[[V]], %[[C1]] : index
// CHECK: %[[AT1:.+]] = arith.select %[[IS1]], %[[C1]], %[[C0]] : index
// CHECK: %[[C5:.+]] = arith.constant 5 : index
// CHECK: %[[IS5:.+]] = arith.cmpi sge, %[[V]], %[[C5]] : index
// CHECK: %[[FROM:.+]] = arith.select %[[IS5]], %[[C5]], %[[AT1]] : index
// CHECK: quoin.forward_cached %{{.+}} from %[[FROM]] keep %[[N]] @m
quoin.decoder @scales(%x, %max) settings {} {
  %n = quoin.length %x
  %r = quoin.span %n to %n
  %l = quoin.forward @m of %x[to %n] read %r mask #scales
  quoin.return %x[%n to %n]
}
