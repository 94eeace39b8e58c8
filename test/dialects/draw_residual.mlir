// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @at_positions
// CHECK: quoin.draw_residual %{{.+}} minus %{{.+}} at %{{.+}}, %{{.+}}
func.func @at_positions(%q: !quoin.logits, %p: !quoin.logits, %r: tensor<?xindex>, %e: index) {
  %t = quoin.draw_residual %q minus %p at %r, %e
  return
}
