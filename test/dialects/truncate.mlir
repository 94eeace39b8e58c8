// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @a_prefix
// CHECK: quoin.truncate %{{.+}} to %{{.+}}
func.func @a_prefix(%x: !quoin.sequence, %n: index) {
  %y = quoin.truncate %x to %n
  return
}
