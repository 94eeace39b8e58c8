// RUN: quoin-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{expects 'quoin.fill' to be of its documented type, but found 7 : i64}}
module attributes {quoin.fill = 7 : i64} {
}

// -----

// expected-error @+1 {{expects 'quoin.capacity' to be of its documented type, but found 0 : index}}
module attributes {quoin.capacity = 0 : index} {
}

// -----

// expected-error @+1 {{expects 'quoin.source' on a module only}}
func.func private @f() attributes {quoin.source = "folder"}

// -----

// expected-error @+1 {{expects 'quoin.capacity' of at most 16777216, but found 16777217}}
module attributes {quoin.capacity = 16777217 : index} {
}

// -----

// expected-error @+1 {{expects 'quoin.fill' below the vocabulary of 100, but found 100}}
module attributes {quoin.fill = 100 : i32, quoin.vocabulary = 100 : index} {
}
