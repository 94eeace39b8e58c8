// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @a_vector(%l: !quoin.logits) {
  // expected-error @+1 {{result #0 must be rows of features}}
  %s = quoin.materialize %l : tensor<?xf32>
  return
}
