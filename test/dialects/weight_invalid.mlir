// RUN: quoin-opt %s --split-input-file --verify-diagnostics

// weight_c1
// expected-error @+1 {{expects a static shape of rank 1 to 4, but found 'tensor<?x4xf32>'}}
quoin.weight @dynamic : tensor<?x4xf32> from "a" tensor "x"

// -----

// expected-error @+1 {{expects a static shape of rank 1 to 4, but found 'tensor<2x3x4x5x6xf32>'}}
quoin.weight @hypercube : tensor<2x3x4x5x6xf32> from "a" tensor "x"

// -----

// expected-error @+1 {{expects elements f32, bf16 or f16, but found 'f64'}}
quoin.weight @double : tensor<4xf64> from "a" tensor "x"

// -----

// weight_c2
// expected-error @+1 {{expects sizes from 1 to 2147483647, but found 0}}
quoin.weight @nothing : tensor<4x0xf32> from "a" tensor "x"

// -----

// expected-error @+1 {{expects sizes from 1 to 2147483647, but found 2147483648}}
quoin.weight @long : tensor<2147483648xf32> from "a" tensor "x"

// -----

// expected-error @+1 {{expects at most 1099511627776 elements, but found 2199023255552}}
quoin.weight @large : tensor<2097152x1048576xf32> from "a" tensor "x"

// -----

// expected-error @+1 {{expects at most 1099511627776 elements, but found 18446744073709551615}}
quoin.weight @huge : tensor<2147483647x2147483647x2147483647xf32> from "a" tensor "x"

// -----

// weight_c3
// expected-error @+1 {{expects a '*' in the name of a tensor of rank 3 only, and once, but found 1 in 'x.*' of 'tensor<2x3xf32>'}}
quoin.weight @gathered_vectors : tensor<2x3xf32> from "a" tensor "x.*"

// -----

// expected-error @+1 {{expects a '*' in the name of a tensor of rank 3 only, and once, but found 2 in 'x.*.*' of 'tensor<2x3x4xf32>'}}
quoin.weight @gathered_twice : tensor<2x3x4xf32> from "a" tensor "x.*.*"
