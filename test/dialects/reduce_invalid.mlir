// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @reduce_c1(%m: tensor<?x?xf32>) {
  // expected-error @+1 {{expects a vector, or a matrix of a static width, but found 'tensor<?x?xf32>'}}
  %a = quoin.reduce sum %m : tensor<?x?xf32> -> f32
  return
}

// -----

func.func @reduce_c2(%v: tensor<?xf32>) {
  // expected-error @+1 {{expects a result of type 'f32', but found 'i32'}}
  %a = quoin.reduce sum %v : tensor<?xf32> -> i32
  return
}

// -----

func.func @reduce_c2_matrix(%v: tensor<?x3xf32>) {
  // expected-error @+1 {{expects a result of type 'tensor<1x3xf32>', but found 'f32'}}
  %a = quoin.reduce sum %v : tensor<?x3xf32> -> f32
  return
}
