// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @rows_of_scores
// CHECK: quoin.materialize %{{.+}} : tensor<?x8xf32>
func.func @rows_of_scores(%l: !quoin.logits) {
  %s = quoin.materialize %l : tensor<?x8xf32>
  return
}
