// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @adjust_c1(%l: !quoin.logits, %t: tensor<?xi32>, %a: tensor<?xf32>) {
  %m = quoin.adjust %l at %t by %a
  // expected-error @+1 {{expects logits that are not adjusted}}
  %n = quoin.adjust %m at %t by %a
  return
}
