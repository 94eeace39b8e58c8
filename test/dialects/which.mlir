// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @places_of_flags
// CHECK: quoin.which %{{.+}}
func.func @places_of_flags(%f: tensor<?xi1>) -> tensor<?xindex> {
  %p = quoin.which %f
  return %p : tensor<?xindex>
}
