// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @tokens_at_positions
// CHECK: quoin.tokens %{{.+}} at %{{.+}}
func.func @tokens_at_positions(%x: !quoin.sequence, %p: tensor<?xindex>) {
  %t = quoin.tokens %x at %p
  return
}
