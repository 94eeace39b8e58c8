// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: func.func @grouped_queries_of_any_length
func.func @grouped_queries_of_any_length(%q: tensor<?x8x64xf32>, %k: tensor<?x2x64xf32>, %v: tensor<?x2x64xf32>) -> tensor<?x8x64xf32> {
  // CHECK: quoin.block_attention %{{.*}}, %{{.*}}, %{{.*}} mask <(q, k) : k le q> scale 1.250000e-01 : tensor<?x8x64xf32>, tensor<?x2x64xf32>, tensor<?x2x64xf32>
  %out = quoin.block_attention %q, %k, %v mask #quoin.mask<causal> scale 0.125 : tensor<?x8x64xf32>, tensor<?x2x64xf32>, tensor<?x2x64xf32>
  return %out : tensor<?x8x64xf32>
}

// CHECK-LABEL: func.func @symbols_labels_and_lse
func.func @symbols_labels_and_lse(%q: tensor<?x4x32xf32>, %k: tensor<96x4x32xf32>, %v: tensor<96x4x32xf32>, %n: index,
                                  %ql: tensor<?xi32>, %kl: tensor<96xi32>) -> (tensor<?x4x32xf32>, tensor<?x4xf32>) {
  // CHECK: %[[OUT:.*]], %[[LSE:.*]] = quoin.block_attention {{.*}} mask <(q, k)[n] : k lt n and label(k) eq label(q)>[%{{.*}}] labels(%{{.*}} : tensor<?xi32>, %{{.*}} : tensor<96xi32>) scale {{.*}} lse tensor<?x4xf32>
  %out, %lse = quoin.block_attention %q, %k, %v mask #quoin.mask<(q, k)[n] : k lt n and label(k) eq label(q)>[%n]
      labels(%ql : tensor<?xi32>, %kl : tensor<96xi32>) scale 0.25 : tensor<?x4x32xf32>, tensor<96x4x32xf32>, tensor<96x4x32xf32> lse tensor<?x4xf32>
  return %out, %lse : tensor<?x4x32xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func.func @a_ragged_batch_of_bf16
func.func @a_ragged_batch_of_bf16(%q: tensor<?x8x64xbf16>, %k: tensor<?x2x64xbf16>, %a: tensor<?xi32>, %b: tensor<?xi32>) -> tensor<?x8x64xbf16> {
  // CHECK: quoin.block_attention {{.*}} sequences(%{{.*}} : tensor<?xi32>, %{{.*}} : tensor<?xi32>) scale {{.*}} : tensor<?x8x64xbf16>, tensor<?x2x64xbf16>, tensor<?x2x64xbf16>
  %out = quoin.block_attention %q, %k, %k mask #quoin.mask<causal> sequences(%a : tensor<?xi32>, %b : tensor<?xi32>) scale 0.125
      : tensor<?x8x64xbf16>, tensor<?x2x64xbf16>, tensor<?x2x64xbf16>
  return %out : tensor<?x8x64xbf16>
}
