// RUN: quoin-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{expects a body with arguments !quoin.sequence and index, but found 'index'}}
"quoin.decoder"() <{sym_name = "decoder_c1", settings = {}}> ({
^bb0(%max: index):
  llvm.unreachable
}) : () -> ()

// -----

// expected-error @+1 {{expects setting 'steps' of type f32 or index, but found 4 : i64}}
quoin.decoder @decoder_c2(%x, %max) settings {steps = 4 : i64} {
  quoin.return %x[%max to %max]
}
