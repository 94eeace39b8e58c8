// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @yield_in_a_function(%x: !quoin.sequence) {
  // expected-error @+1 {{expects parent op 'quoin.denoise'}}
  quoin.yield %x
}
