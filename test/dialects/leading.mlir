// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @leading_of_flags
// CHECK: quoin.leading %{{.+}}
func.func @leading_of_flags(%f: tensor<?xi1>) {
  %n = quoin.leading %f
  return
}
