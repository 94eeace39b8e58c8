// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @what_is_final
// CHECK: quoin.committed %{{.+}}
func.func @what_is_final(%x: !quoin.sequence) {
  %n = quoin.committed %x
  return
}
