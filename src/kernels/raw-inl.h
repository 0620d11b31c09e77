// The instructions of the target: sixteen lanes (f32x16-inl.h) and what each raw_<isa>-inl.h adds to them.
#pragma once
#include "kernels/target.h"
#include RUSTML_RAW_HEADER
