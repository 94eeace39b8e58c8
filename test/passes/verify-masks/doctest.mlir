// RUN: quoin-opt %s --quoin-verify-masks --quoin-statistics 2>&1 | FileCheck %s

// CHECK-LABEL: @each_row_sees_itself
func.func @each_row_sees_itself(%q: tensor<?x4x16xf32>) -> tensor<?x4x16xf32> {
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> scale 0.25
      : tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32>
  return %o : tensor<?x4x16xf32>
}

// A partial result: rows of the first block see nothing, and their log-sum-exp says so.
// CHECK-LABEL: @with_lse_a_row_may_be_blind
func.func @with_lse_a_row_may_be_blind(%q: tensor<?x4x16xf32>) -> (tensor<?x4x16xf32>, tensor<?x4xf32>) {
  %o, %l = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) : k floordiv 8 lt q floordiv 8> scale 0.25
      : tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32> lse tensor<?x4xf32>
  return %o, %l : tensor<?x4x16xf32>, tensor<?x4xf32>
}

// Which rows see something depends on numbers of the call: not proven bad.
// CHECK-LABEL: @symbols_and_labels_may_help
func.func @symbols_and_labels_may_help(%q: tensor<?x4x16xf32>, %s: index, %i: tensor<?xi32>) -> tensor<?x4x16xf32> {
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k)[a] : k lt a and label(k) le label(q)>[%s]
      labels(%i : tensor<?xi32>, %i : tensor<?xi32>) scale 0.25
      : tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32>
  return %o : tensor<?x4x16xf32>
}

// CHECK: verify-masks num-masks-verified 2
