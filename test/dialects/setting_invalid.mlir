// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.decoder @setting_c1(%x, %max) settings {} {
  // expected-error @+1 {{expects a setting of the decoder, but found 'block'}}
  %t = quoin.setting @block : index
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @setting_c1_type(%x, %max) settings {block = 4 : index} {
  // expected-error @+1 {{expects setting 'block' of type 'index', but found 'f32'}}
  %t = quoin.setting @block : f32
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @setting_c1_fill(%x, %max) settings {} {
  // expected-error @+1 {{expects '@fill' of type i32, but found 'index'}}
  %t = quoin.setting @fill : index
  quoin.return %x[%max to %max]
}

// -----

func.func @setting_outside() {
  // expected-error @+1 {{expects to stand in a decoder}}
  %t = quoin.setting @block : index
  return
}
