// Windows only: its functions, without the macros that they bring, and its errors in words.
#pragma once
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#include <string>

#include "base/error.h"

namespace rustml::base {

std::string windows_message(DWORD code);  // "Access denied (error 5)": the same words in every language
Status windows_status(DWORD code);        // of an error about a file

}  // namespace rustml::base
