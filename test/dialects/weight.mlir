// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK: quoin.weight @matrix : tensor<8x4xbf16> from "a.safetensors" tensor "x.weight"
quoin.weight @matrix : tensor<8x4xbf16> from "a.safetensors" tensor "x.weight"

// CHECK: quoin.weight @stacked : tensor<3x8x4xf32> from "model.safetensors.index.json" tensor "experts"
quoin.weight @stacked : tensor<3x8x4xf32> from "model.safetensors.index.json" tensor "experts"

// CHECK: quoin.weight @gathered : tensor<3x8x4xf32> from "a.safetensors" tensor "experts.*.weight"
quoin.weight @gathered : tensor<3x8x4xf32> from "a.safetensors" tensor "experts.*.weight"

// CHECK: quoin.weight @vector : tensor<8xf16>
quoin.weight @vector : tensor<8xf16> from "a.safetensors" tensor "y"
