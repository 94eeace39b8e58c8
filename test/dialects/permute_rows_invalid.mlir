// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @permute_rows_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects an order of 4 rows, but found one of 3}}
  %y = quoin.permute_rows %x : tensor<4xf32> by #quoin.order<2, 0, 1>
  return
}

// -----

// expected-error @+1 {{expects each token once, but found 1 twice}}
func.func private @twice() attributes {o = #quoin.order<1, 0, 1>}

// -----

// expected-error @+1 {{expects tokens below 2, but found 2}}
func.func private @beyond() attributes {o = #quoin.order<0, 2>}

// -----

// expected-error @+1 {{expects an ascending run of tokens, but found 3 to 1 by 1}}
func.func private @descending() attributes {o = #quoin.order<0, 3 to 1>}
