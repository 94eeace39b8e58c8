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

// -----

quoin.decoder @setting_c2(%x, %max) settings {schedule = #quoin.word<"cosine" of "cosine", "pow*">} {
  // expected-error @+1 {{expects one of the words cosine, pow*, but found 'even'}}
  %c = quoin.setting @schedule is "even" : i1
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @setting_c2_number(%x, %max) settings {schedule = #quoin.word<"cosine" of "cosine", "even">} {
  // expected-error @+1 {{expects 'is' and a word of setting 'schedule', none of which a number follows}}
  %c = quoin.setting @schedule : f64
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @setting_c2_type(%x, %max) settings {schedule = #quoin.word<"cosine" of "cosine", "pow*">} {
  // expected-error @+1 {{expects f64, but found 'f32'}}
  %c = quoin.setting @schedule : f32
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @setting_c3(%x, %max) settings {steps = 4 : index} {
  // expected-error @+1 {{expects 'is' for a setting that is a word, but 'steps' is 4 : index}}
  %c = quoin.setting @steps is "four" : i1
  quoin.return %x[%max to %max]
}
