// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @gather_c1(%m: tensor<?x?xf32>, %i: tensor<?xindex>) {
  // expected-error @+1 {{expects a vector, or a matrix of a static width, but found 'tensor<?x?xf32>'}}
  %a = quoin.gather %m at %i : tensor<?x?xf32> -> tensor<?x?xf32>
  return
}

// -----

func.func @gather_c2(%m: tensor<?x3xf32>, %i: tensor<?xindex>) {
  // expected-error @+1 {{expects a result of type 'tensor<?x3xf32>', but found 'tensor<?xf32>'}}
  %a = quoin.gather %m at %i : tensor<?x3xf32> -> tensor<?xf32>
  return
}
