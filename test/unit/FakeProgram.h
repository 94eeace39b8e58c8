/* FakeProgram.h: the test program's query, under its own name when it is linked in. */
#ifndef QUOIN_TEST_FAKE_PROGRAM_H
#define QUOIN_TEST_FAKE_PROGRAM_H

#include "quoin/program.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef QUOIN_FAKE_QUERY
#define QUOIN_FAKE_QUERY quoin_fake_query
#endif

/* Bytes of its weight file; only the checksum in the last 8 matters. */
#define QUOIN_FAKE_WEIGHTS 64
/* Said to be so large that steps are shared among all workers. */
#define QUOIN_FAKE_WORK (INT64_C(1) << 40)

__attribute__((visibility("default"))) const quoin_program_t *QUOIN_FAKE_QUERY(uint32_t max_version);

/* RuntimeCaller.c: a host in C99. Returns 0, or the line where something was not as it should be. */
int quoin_c_caller(quoin_program_query_fn query, const void *weights, int64_t weights_size);

#ifdef __cplusplus
}
#endif

#endif
