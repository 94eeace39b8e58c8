// RUN: quoin-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{expects index, i32, f32 or a tensor of those of rank 1 or 2 with a static width, but found 'tensor<?x?xf32>'}}
quoin.input @input_c1 : tensor<?x?xf32>

// -----

// expected-error @+1 {{expects index, i32, f32 or a tensor of those of rank 1 or 2 with a static width, but found 'f64'}}
quoin.input @input_c1_element : f64

// -----

// expected-error @+1 {{expects index, i32, f32 or a tensor of those of rank 1 or 2 with a static width, but found 'tensor<1x2x3xf32>'}}
quoin.input @input_c1_rank : tensor<1x2x3xf32>

// -----

// expected-error @+1 {{expects index, i32, f32 or a tensor of those of rank 1 or 2 with a static width, but found 'tensor<536870912xf32>'}}
quoin.input @input_c1_size : tensor<536870912xf32>

// -----

// expected-error @+1 {{expects a name other than 'prompt', which is the tokens'}}
quoin.input @prompt : tensor<?xi32>

// -----

// expected-error @+1 {{expects an optional tensor of any number of rows, but found 'tensor<3xf32>'}}
quoin.input @input_c3 optional : tensor<3xf32>
