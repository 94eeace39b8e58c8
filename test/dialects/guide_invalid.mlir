// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @guide_c1(%c: !quoin.logits, %u: !quoin.logits, %g: f32) {
  %m = quoin.guide %c over %u by %g
  // expected-error @+1 {{expects logits that are not guided themselves}}
  %n = quoin.guide %m over %u by %g
  return
}

// -----

func.func @guide_c1_adjusted(%c: !quoin.logits, %u: !quoin.logits, %g: f32, %t: tensor<?xi32>, %a: tensor<?xf32>) {
  %m = quoin.adjust %u at %t by %a
  // expected-error @+1 {{expects logits that are not adjusted}}
  %n = quoin.guide %c over %m by %g
  return
}
