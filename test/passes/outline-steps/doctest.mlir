// RUN: quoin-opt %s --quoin-outline-steps --verify-roundtrip | FileCheck %s

// The call and the score end their blocks. What the next step needs travels as arguments of the block that is resumed;
// the constant and the setting are made again.

// CHECK-LABEL: quoin.decoder @one_block(%arg0, %arg1)
// CHECK:         %[[X:.*]] = quoin.extend %arg0 by %arg1
// CHECK:         quoin.suspend_forward @m of %[[X]][to %[[N:.*]]] read %[[ROWS:.*]] mask
// CHECK-SAME:      ^bb1(%[[X]], %[[N]], %[[ROWS]] : !quoin.sequence, index, tensor<?xindex>)
// CHECK:       ^bb1(%[[L:.*]]: !quoin.logits, %[[X1:.*]]: !quoin.sequence, %[[N1:.*]]: index, %[[ROWS1:.*]]: tensor<?xindex>):
// CHECK-NEXT:    quoin.suspend_score %[[L]][token, confidence]
// CHECK-SAME:      ^bb2(%[[X1]], %[[N1]], %[[ROWS1]] : !quoin.sequence, index, tensor<?xindex>)
// CHECK:       ^bb2(%[[T:.*]]: tensor<?xi32>, %[[C:.*]]: tensor<?xf32>, %[[X2:.*]]: !quoin.sequence, %[[N2:.*]]: index, %[[ROWS2:.*]]: tensor<?xindex>):
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[K:.*]] = quoin.setting @steps : index
// CHECK:         %[[PICK:.*]] = quoin.top %[[C]], %[[K]]
// CHECK:         %[[Z:.*]] = quoin.fill %[[X2]] at %[[ROWS2]] with %[[T]] where %[[PICK]]
// CHECK:         quoin.return %[[Z]][%[[C0]] to %[[N2]]]
quoin.decoder @one_block(%x0, %max) settings {steps = 4 : index} {
  %c0 = arith.constant 0 : index
  %k = quoin.setting @steps : index
  %x = quoin.extend %x0 by %max
  %n = quoin.length %x
  %rows = quoin.open %x[%c0 to %n]
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<full>
  %t, %c = quoin.score %l [token, confidence] : tensor<?xi32>, tensor<?xf32>
  %pick = quoin.top %c, %k
  %z = quoin.fill %x at %rows with %t where %pick
  quoin.return %z[%c0 to %n]
}

quoin.weight @embed : tensor<50x4xf32> from "m.safetensors" tensor "embed"
quoin.model @m head @embed {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @embed : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
