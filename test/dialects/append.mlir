// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @known_tokens
// CHECK: quoin.append %{{.+}}, %{{.+}}
// CHECK: quoin.append %{{.+}}, %{{.+}} label %{{.+}}
func.func @known_tokens(%x: !quoin.sequence, %i: tensor<?xi32>, %l: index) {
  %y = quoin.append %x, %i
  %z = quoin.append %y, %i label %l
  return
}
