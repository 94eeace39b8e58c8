// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @some_of_them
// CHECK: quoin.rows %{{.+}}[%{{.+}} for %{{.+}}]
func.func @some_of_them(%l: !quoin.logits, %a: index, %n: index) {
  %r = quoin.rows %l[%a for %n]
  return
}
