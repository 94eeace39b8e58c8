// RUN: quoin-opt %s --split-input-file --verify-diagnostics

stage.step @results_c1 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %x: !stage.buffer<row, 4xf32>):
  // expected-error @+1 {{expects rows of f32 that the host has, but found '!stage.buffer<row, 4xf32>'}}
  stage.results %x : !stage.buffer<row, 4xf32>
}

// -----

stage.step @results_c1_none {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects at least one result, but found none}}
  "stage.results"() : () -> ()
}

// -----

// expected-error @+1 {{expects arguments}}
stage.step @step_c1_column {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %x: !stage.buffer<read, 4xf32>):
  %0 = stage.each_row %x : (!stage.buffer<read, 4xf32>) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.results %0 : !stage.buffer<host, 4xf32>
}
