// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @all_rows_and_some
// CHECK: quoin.adjust %{{.+}} at %{{.+}} by %{{.+}}
// CHECK: quoin.adjust %{{.+}} at %{{.+}} by %{{.+}} of %{{.+}}
func.func @all_rows_and_some(%l: !quoin.logits, %t: tensor<?xi32>, %a: tensor<?xf32>, %r: tensor<?xindex>) {
  %m = quoin.adjust %l at %t by %a
  %n = quoin.adjust %l at %t by %a of %r
  return
}
