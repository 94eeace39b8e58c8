// RUN: quoin-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{expects a body with arguments !quoin.sequence and index, but found 'index'}}
"quoin.decoder"() <{sym_name = "decoder_c1", settings = {}}> ({
^bb0(%max: index):
  llvm.unreachable
}) : () -> ()

// -----

// expected-error @+1 {{expects setting 'steps' of type f32 or index or a word, but found 4 : i64}}
quoin.decoder @decoder_c2(%x, %max) settings {steps = 4 : i64} {
  quoin.return %x[%max to %max]
}

// -----

// expected-error @+1 {{expects settings of the decoder in 'run_time', but found "step"}}
quoin.decoder @decoder_c3(%x, %max) settings {steps = 4 : index} attributes {run_time = ["step"]} {
  quoin.return %x[%max to %max]
}

// -----

// expected-error @+1 {{expects a list of settings in 'run_time', but found "steps"}}
quoin.decoder @decoder_c3_list(%x, %max) settings {steps = 4 : index} attributes {run_time = "steps"} {
  quoin.return %x[%max to %max]
}
