// public.h: the public headers as the library sees them: what they declare is what a shared library exports.
#ifndef QUOIN_RUNTIME_PUBLIC_H
#define QUOIN_RUNTIME_PUBLIC_H

#pragma GCC visibility push(default)
#include "quoin/function.h"
#include "quoin/runtime.h"
#pragma GCC visibility pop

#endif
