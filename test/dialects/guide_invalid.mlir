// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @guide_c1(%c: !quoin.logits, %u: !quoin.logits, %g: f32) {
  %m = quoin.guide %c over %u by %g
  // expected-error @+1 {{expects logits that are not guided themselves}}
  %n = quoin.guide %m over %u by %g
  return
}
