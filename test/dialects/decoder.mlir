// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK: quoin.decoder @settings_have_defaults(%{{.+}}, %{{.+}}) settings {block = 4 : index, threshold = {{.+}} : f32} {
quoin.decoder @settings_have_defaults(%x, %max) settings {block = 4 : index, threshold = 0.9 : f32} {
  quoin.return %x[%max to %max]
}
