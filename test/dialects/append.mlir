// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @known_tokens
// CHECK: quoin.append %{{.+}}, %{{.+}}
func.func @known_tokens(%x: !quoin.sequence, %i: tensor<?xi32>) {
  %y = quoin.append %x, %i
  return
}
