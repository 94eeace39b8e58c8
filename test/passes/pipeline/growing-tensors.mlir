// RUN: quoin-opt %s --quoin-pipeline='to=semantic' | FileCheck %s

// The tensor is empty at first, and canonicalisation must not conclude that it stays so.
// CHECK-LABEL: @a_loop_may_grow_what_it_carries
// CHECK: scf.for {{.+}} -> (tensor<?xi32>)
// CHECK-NOT: to tensor<0xi32>
// CHECK: quoin.append
quoin.decoder @a_loop_may_grow_what_it_carries(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %fill = quoin.setting @fill : i32
  %none = tensor.empty(%c0) : tensor<?xi32>
  %one = tensor.splat %fill[%c1] : tensor<?xi32>
  %all = scf.for %i = %c0 to %max step %c1 iter_args(%t = %none) -> (tensor<?xi32>) {
    %u = tensor.concat dim(0) %t, %one : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
    scf.yield %u : tensor<?xi32>
  }
  %y = quoin.append %x, %all
  %n = quoin.length %y
  quoin.return %y[%c0 to %n]
}
