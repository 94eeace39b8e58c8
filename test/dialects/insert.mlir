// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @tokens_inside
// CHECK: quoin.insert %{{.+}} at %{{.+}}, %{{.+}}
// CHECK: quoin.insert %{{.+}} at %{{.+}}, %{{.+}} label %{{.+}}
func.func @tokens_inside(%x: !quoin.sequence, %p: index, %i: tensor<?xi32>, %l: index) {
  %y = quoin.insert %x at %p, %i
  %z = quoin.insert %y at %p, %i label %l
  return
}
