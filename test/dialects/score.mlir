// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @statistics_with_and_without_a_sampler
// CHECK: quoin.score %{{.+}}[token] : tensor<?xi32>
// CHECK: quoin.score %{{.+}}[token, confidence] by <temperature, top_k> at %{{.+}}, %{{.+}} : tensor<?xi32>, tensor<?xf32>
// CHECK: quoin.score %{{.+}}[entropy, normalized_entropy, margin, probability] of %{{.+}} :
// CHECK: quoin.score %{{.+}}[token, log_confidence] : tensor<?xi32>, tensor<?xf32>
// CHECK: quoin.score %{{.+}}[mass] : tensor<?xf32>
// CHECK: quoin.score %{{.+}}[filtered_best, filtered_entropy, filtered_margin, filtered_mass] by <top_k> at %{{.+}}, %{{.+}} :
func.func @statistics_with_and_without_a_sampler(%l: !quoin.logits, %t: tensor<?xi32>, %p: tensor<?xindex>, %e: index) {
  %a = quoin.score %l [token] : tensor<?xi32>
  %b, %c = quoin.score %l [token, confidence] by #quoin.sampler<temperature, top_k> at %p, %e : tensor<?xi32>, tensor<?xf32>
  %d:4 = quoin.score %l [entropy, normalized_entropy, margin, probability] of %t : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
  %f, %g = quoin.score %l [token, log_confidence] : tensor<?xi32>, tensor<?xf32>
  %h = quoin.score %l [mass] : tensor<?xf32>
  %i:4 = quoin.score %l [filtered_best, filtered_entropy, filtered_margin, filtered_mass] by #quoin.sampler<top_k> at %p, %e : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
  return
}
