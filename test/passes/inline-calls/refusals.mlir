// RUN: quoin-opt %s --quoin-inline-calls --split-input-file --verify-diagnostics

func.func private @again(%x: index) -> index {
  // The error is on the copy of this call that is left.
  // expected-error @+1 {{expects functions that do not call themselves, but found '@again' after 2 levels of calls}}
  %y = func.call @again(%x) : (index) -> index
  return %y : index
}
quoin.decoder @recursion(%x, %max) settings {} {
  %e = func.call @again(%max) : (index) -> index
  quoin.return %x[%e to %e]
}

// -----

// expected-note @+1 {{the function is here}}
func.func private @outside(%x: index) -> index
quoin.decoder @external(%x, %max) settings {} {
  // expected-error @+1 {{expects a function with a body of one block, but '@outside' has none}}
  %e = func.call @outside(%max) : (index) -> index
  quoin.return %x[%e to %e]
}
