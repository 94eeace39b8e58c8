// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @permute_tokens_c1(%x: !quoin.sequence, %n: index, %rows: tensor<?xindex>) {
  // expected-error @+1 {{expects a sorted sequence to be used by calls of models only, but found 'quoin.extend'}}
  %y, %slots, %known = quoin.permute_tokens %x[to %n] by open read %rows
  %z = quoin.extend %y by %n
  return
}
