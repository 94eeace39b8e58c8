// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @known_tokens
// CHECK: quoin.append %{{.+}}, %{{.+}}
// CHECK: quoin.append %{{.+}}, %{{.+}} label %{{.+}}
// CHECK: quoin.append %{{.+}}, %{{.+}} at %{{.+}}
// CHECK: quoin.append %{{.+}}, %{{.+}} at %{{.+}} label %{{.+}}
func.func @known_tokens(%x: !quoin.sequence, %i: tensor<?xi32>, %p: tensor<?xindex>, %l: index) {
  %y = quoin.append %x, %i
  %z = quoin.append %y, %i label %l
  %v = quoin.append %z, %i at %p
  %w = quoin.append %v, %i at %p label %l
  return
}
