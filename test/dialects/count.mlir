// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @count_of_flags
// CHECK: quoin.count %{{.+}}
func.func @count_of_flags(%f: tensor<?xi1>) {
  %n = quoin.count %f
  return
}
