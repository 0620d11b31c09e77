#include "tested_library.h"

#include <string>

#include "boundary/library.h"

namespace rustml::boundary {

MadeError last_error;
uint64_t now_ns = 1;

const char* library_name() noexcept { return "the tested library 1.2.3"; }

rustml_error* make_error(base::Status status, std::string_view message, std::string_view detail_json, int32_t callback_value) noexcept {
  last_error = {status, std::string(message), std::string(detail_json), callback_value};
  return reinterpret_cast<rustml_error*>(uint64_t{1});
}

}  // namespace rustml::boundary

uint64_t rustml_now_ns(void) { return rustml::boundary::now_ns; }
