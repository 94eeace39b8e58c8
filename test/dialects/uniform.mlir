// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @numbers_of_a_stream
// CHECK: quoin.uniform stream 3 at %{{.+}}, %{{.+}}
func.func @numbers_of_a_stream(%p: tensor<?xindex>, %e: index) {
  %u = quoin.uniform stream 3 at %p, %e
  return
}
