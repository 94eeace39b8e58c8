// RUN: quoin-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{expects each word once, but found "even" twice}}
quoin.decoder @word_c1(%x, %max) settings {schedule = #quoin.word<"even" of "even", "even">} {
  quoin.return %x[%max to %max]
}

// -----

// expected-error @+1 {{expects a word of 1 to 64 letters, digits, '_', '-' and '.', but found "an even one"}}
quoin.decoder @word_c1_letters(%x, %max) settings {schedule = #quoin.word<"an even one" of "an even one">} {
  quoin.return %x[%max to %max]
}

// -----

// expected-error @+1 {{expects a word of 1 to 64 letters, digits, '_', '-' and '.', but found "*"}}
quoin.decoder @word_c1_stem(%x, %max) settings {schedule = #quoin.word<"2" of "*">} {
  quoin.return %x[%max to %max]
}

// -----

// expected-error @+1 {{expects a default that is one of its words, but found 'powx'}}
quoin.decoder @word_c2(%x, %max) settings {schedule = #quoin.word<"powx" of "even", "pow*">} {
  quoin.return %x[%max to %max]
}
