// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @return_in_a_function(%x: !quoin.sequence, %n: index) {
  // expected-error @+1 {{expects parent op 'quoin.decoder'}}
  quoin.return %x[%n to %n]
}
