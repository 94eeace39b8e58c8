// RUN: quoin-opt %s --quoin-outline-steps --verify-roundtrip | FileCheck %s

// A matrix lives across a model on rows as any value does; inputs are asked for again, outputs are given where they stand.
quoin.model @rows {
^bb0(%x: tensor<?x4xf32>):
  quoin.results %x, %x : tensor<?x4xf32>, tensor<?x4xf32>
}
quoin.input @x : tensor<?x4xf32>
// CHECK-LABEL: quoin.decoder @a_matrix_lives_across(%arg0, %arg1)
// CHECK:         %[[V:.*]] = quoin.input_value @x
// CHECK:         %[[W:.*]] = arith.addf %[[V]], %[[V]]
// CHECK:         quoin.suspend_apply @rows(%[[V]] : tensor<?x4xf32>) gives 2 ^bb1(%arg0, %arg1, %[[W]] : !quoin.sequence, index, tensor<?x4xf32>)
// CHECK:       ^bb1(%[[A:.*]]: tensor<?x4xf32>, %[[B:.*]]: tensor<?x4xf32>, %[[X:.*]]: !quoin.sequence, %[[MAX:.*]]: index, %[[W1:.*]]: tensor<?x4xf32>):
// CHECK:         %[[V1:.*]] = quoin.input_value @x
// CHECK:         %[[S:.*]] = arith.addf %[[W1]], %[[V1]]
// CHECK:         quoin.output @sum %[[S]]
// CHECK:         quoin.output @given %[[B]]
quoin.decoder @a_matrix_lives_across(%x, %max) settings {} {
  %v = quoin.input_value @x : tensor<?x4xf32>
  %w = arith.addf %v, %v : tensor<?x4xf32>
  %a:2 = quoin.apply @rows(%v) : tensor<?x4xf32> -> tensor<?x4xf32>, tensor<?x4xf32>
  %s = arith.addf %w, %v : tensor<?x4xf32>
  quoin.output @sum %s : tensor<?x4xf32>
  quoin.output @given %a#1 : tensor<?x4xf32>
  quoin.return %x[%max to %max]
}
