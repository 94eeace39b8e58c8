// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @with_and_without_rows
// CHECK: quoin.reuse %{{.+}} of %{{.+}}[to %{{.+}}] limit %{{.+}}
// CHECK: quoin.reuse %{{.+}} of %{{.+}}[to %{{.+}}] then %{{.+}} at %{{.+}} label %{{.+}} read %{{.+}} limit %{{.+}}
func.func @with_and_without_rows(%c: !quoin.cache, %x: !quoin.sequence, %n: index, %i: tensor<?xi32>, %p: tensor<?xindex>, %l: tensor<?xindex>, %r: tensor<?xindex>) {
  %a = quoin.reuse %c of %x[to %n] limit %n
  %b = quoin.reuse %c of %x[to %n] then %i at %p label %l read %r limit %n
  return
}
