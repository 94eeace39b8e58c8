// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @number_c1(%x: f32) {
  // expected-error @+1 {{expects to end a formula on numbers, but found 'func.func' around it}}
  quoin.number %x
}
