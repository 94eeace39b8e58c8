// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @from_a_up_to_b
// CHECK: quoin.span %{{.+}} to %{{.+}}
func.func @from_a_up_to_b(%a: index, %b: index) {
  %s = quoin.span %a to %b
  return
}
