// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @score_c1(%l: !quoin.logits, %t: tensor<?xi32>, %p: tensor<?xindex>, %e: index) {
  // expected-error @+1 {{expects 'token' of type 'tensor<?xi32>', but found 'tensor<?xf32>'}}
  %a = quoin.score %l [token] : tensor<?xf32>
  return
}

// -----

func.func @score_c1_count(%l: !quoin.logits, %t: tensor<?xi32>, %p: tensor<?xindex>, %e: index) {
  // expected-error @+1 {{expects 2 values, one per statistic, but found 1}}
  %a = quoin.score %l [token, confidence] : tensor<?xi32>
  return
}

// -----

func.func @score_c2(%l: !quoin.logits, %t: tensor<?xi32>, %p: tensor<?xindex>, %e: index) {
  // expected-error @+1 {{expects 'of' with 'probability' and only with it}}
  %a = quoin.score %l [probability] : tensor<?xf32>
  return
}

// -----

func.func @score_c2_only(%l: !quoin.logits, %t: tensor<?xi32>, %p: tensor<?xindex>, %e: index) {
  // expected-error @+1 {{expects 'of' with 'probability' and only with it}}
  %a = quoin.score %l [token] of %t : tensor<?xi32>
  return
}

// -----

func.func @score_c3(%l: !quoin.logits, %t: tensor<?xi32>, %p: tensor<?xindex>, %e: index) {
  // expected-error @+1 {{expects a sampler to come with positions and an evaluation}}
  %a = "quoin.score"(%l) <{statistics = #quoin.statistics<token>, sampler = #quoin.sampler<greedy>, operandSegmentSizes = array<i32: 1, 0, 0, 0>}> : (!quoin.logits) -> tensor<?xi32>
  return
}

// -----

func.func @score_c4(%l: !quoin.logits, %t: tensor<?xi32>, %p: tensor<?xindex>, %e: index) {
  // expected-error @+1 {{expects each statistic once, but found 'token' twice}}
  %a, %b = quoin.score %l [token, token] : tensor<?xi32>, tensor<?xi32>
  return
}

// -----

func.func @score_c5(%l: !quoin.logits) {
  // expected-error @+1 {{expects a sampler with 'filtered_entropy', but found none}}
  %a = quoin.score %l [filtered_entropy] : tensor<?xf32>
  return
}
