// RUN: quoin-opt %s --split-input-file --verify-diagnostics

// weight_c1
// expected-error @+1 {{expects a static shape of rank 1 or 2, but found 'tensor<?x4xf32>'}}
quoin.weight @dynamic : tensor<?x4xf32> from "a" tensor "x"

// -----

// expected-error @+1 {{expects a static shape of rank 1 or 2, but found 'tensor<2x3x4xf32>'}}
quoin.weight @cube : tensor<2x3x4xf32> from "a" tensor "x"

// -----

// expected-error @+1 {{expects elements f32, bf16 or f16, but found 'f64'}}
quoin.weight @double : tensor<4xf64> from "a" tensor "x"
