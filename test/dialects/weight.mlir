// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK: quoin.weight @matrix : tensor<8x4xbf16> from "a.safetensors" tensor "x.weight"
quoin.weight @matrix : tensor<8x4xbf16> from "a.safetensors" tensor "x.weight"

// CHECK: quoin.weight @vector : tensor<8xf16>
quoin.weight @vector : tensor<8xf16> from "a.safetensors" tensor "y"
