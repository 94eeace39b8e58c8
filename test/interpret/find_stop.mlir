// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --prompt-ids 1,5,2,6 --json | FileCheck %s --check-prefix=MODULE
// RUN: quoin-interpret %s --prompt-ids 1,5,2,6 --stop 2 --json | FileCheck %s --check-prefix=REQUEST
// RUN: quoin-interpret %s --prompt-ids 1,5,2,6 --stop= --json | FileCheck %s --check-prefix=NONE

// Stop ids come with the request, else with the module; an empty list means none.
// MODULE: "ids":[5,2,6],"text":"","stop":"stop"
// REQUEST: "ids":[2,6],"text":"","stop":"stop"
// NONE: "ids":[],"text":"","stop":"length"
module attributes {quoin.stop = array<i32: 5>} {
  quoin.decoder @from_the_first_stop_on(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %n = quoin.length %x
    %stop = quoin.find_stop %x[%c0 to %n]
    quoin.return %x[%stop to %n]
  }
}
