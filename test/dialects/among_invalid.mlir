// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @among_c1(%t: tensor<?xi32>, %l: tensor<?xindex>) {
  // expected-error @+1 {{expects a list of 'i32', but found one of 'index'}}
  %a = quoin.among %t, %l : tensor<?xi32>, tensor<?xindex>
  return
}
