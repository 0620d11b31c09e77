// What librustml-hub asks of librustml beside rustml.h. No part of the ABI: nobody else may call it, and it stands in a version node of
// its own (RUSTML_PRIVATE_1), which librustml goes on exporting for older copies of librustml-hub. With a librustml that has no such node
// the loader refuses librustml-hub by that name.
#pragma once
#include <rustml.h>

extern "C" {
// RUSTML_OK, and why the handle was triggered (0: it was not); RUSTML_INVALID_HANDLE, RUSTML_FORKED.
RUSTML_API int32_t rustml_private_cancel_reason(const rustml_cancel* cancel, uint32_t* reason);
}
