// RUN: quoin-opt %s --quoin-outline-steps --split-input-file --verify-diagnostics

func.func private @next(!quoin.sequence) -> !quoin.sequence
quoin.decoder @a_call_is_not_inlined(%x, %max) settings {} {
  // expected-error @+1 {{expects calls to be inlined before steps are outlined, but found a call of 'next'}}
  %y = func.call @next(%x) : (!quoin.sequence) -> !quoin.sequence
  quoin.return %y[%max to %max]
}

// -----

quoin.decoder @other_regions_are_no_steps(%x, %max) settings {} {
  // expected-error @+1 {{expects no regions in a decoder's steps but those of quoin.denoise and scf}}
  %t = tensor.generate %max {
  ^bb0(%i: index):
    tensor.yield %i : index
  } : tensor<?xindex>
  %y = quoin.tokens %x at %t
  %z = quoin.append %x, %y
  quoin.return %z[%max to %max]
}
