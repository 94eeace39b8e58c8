// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @of_positions
// CHECK: quoin.labels %{{.+}} at %{{.+}}
func.func @of_positions(%x: !quoin.sequence, %p: tensor<?xindex>) {
  %l = quoin.labels %x at %p
  return
}
