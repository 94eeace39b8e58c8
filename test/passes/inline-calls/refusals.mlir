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

// -----

func.func private @twice0() {
  func.call @twice1() : () -> ()
  func.call @twice1() : () -> ()
  return
}
func.func private @twice1() {
  func.call @twice2() : () -> ()
  func.call @twice2() : () -> ()
  return
}
func.func private @twice2() {
  func.call @twice3() : () -> ()
  func.call @twice3() : () -> ()
  return
}
func.func private @twice3() {
  func.call @twice4() : () -> ()
  func.call @twice4() : () -> ()
  return
}
func.func private @twice4() {
  func.call @twice5() : () -> ()
  func.call @twice5() : () -> ()
  return
}
func.func private @twice5() {
  func.call @twice6() : () -> ()
  func.call @twice6() : () -> ()
  return
}
func.func private @twice6() {
  func.call @twice7() : () -> ()
  func.call @twice7() : () -> ()
  return
}
func.func private @twice7() {
  func.call @twice8() : () -> ()
  func.call @twice8() : () -> ()
  return
}
func.func private @twice8() {
  func.call @twice9() : () -> ()
  func.call @twice9() : () -> ()
  return
}
func.func private @twice9() {
  func.call @twice10() : () -> ()
  func.call @twice10() : () -> ()
  return
}
func.func private @twice10() {
  func.call @twice11() : () -> ()
  func.call @twice11() : () -> ()
  return
}
func.func private @twice11() {
  func.call @twice12() : () -> ()
  func.call @twice12() : () -> ()
  return
}
func.func private @twice12() {
  // 2 + 4 + ... + 8192 calls come before the last level.
  // expected-error @+1 {{expects a decoder of at most 10000 calls, but found 16383 once '@twice13' is inlined}}
  func.call @twice13() : () -> ()
  func.call @twice13() : () -> ()
  return
}
func.func private @twice13() {
  return
}
quoin.decoder @doubling(%x, %max) settings {} {
  func.call @twice0() : () -> ()
  %c0 = arith.constant 0 : index
  quoin.return %x[%c0 to %c0]
}
