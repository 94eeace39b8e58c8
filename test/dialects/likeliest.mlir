// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @as_many_as_each_row_says
// CHECK: quoin.likeliest %{{.+}} for %{{.+}}
func.func @as_many_as_each_row_says(%l: !quoin.logits, %n: tensor<?xindex>) -> tensor<?xi32> {
  %t, %p = quoin.likeliest %l for %n
  return %t : tensor<?xi32>
}
