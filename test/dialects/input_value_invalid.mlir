// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.decoder @input_value_c1(%x, %max) settings {} {
  // expected-error @+1 {{expects a quoin.input, but found @class}}
  %c = quoin.input_value @class : index
  quoin.return %x[%c to %max]
}

// -----

quoin.input @class : i32
quoin.decoder @input_value_c1_type(%x, %max) settings {} {
  // expected-error @+1 {{expects input 'class' of type 'i32', but found 'index'}}
  %c = quoin.input_value @class : index
  quoin.return %x[%c to %max]
}
