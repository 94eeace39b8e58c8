// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @of_two_logits
// CHECK: quoin.guide %{{.+}} over %{{.+}} by %{{.+}}
func.func @of_two_logits(%c: !quoin.logits, %u: !quoin.logits, %g: f32) {
  %m = quoin.guide %c over %u by %g
  return
}
