// What a library gives the room, for its tests.
#include "boundary/library.h"

const char* rustml::boundary::library_name() noexcept { return "the tested library 1.2.3"; }
