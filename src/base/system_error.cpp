#include "base/system_error.h"

#include <cerrno>
#include <system_error>

namespace rustml::base {

Status status_of_errno(int error) noexcept {
  switch (error) {
    case ENOMEM:
    case ENOSPC:
    case EMFILE:
    case ENFILE:
    case EFBIG:
    case EAGAIN:
#ifdef EDQUOT
    case EDQUOT:
#endif
      return Status::resource_exhausted;
    case EACCES:
    case EPERM:
    case EROFS:
      return Status::permission_denied;
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
      return Status::not_found;
    case ENAMETOOLONG:
    case EISDIR:
    case EINVAL:
    case ENXIO:
    case ENODEV:
      return Status::invalid_argument;
    default:
      return Status::data_loss;
  }
}

std::string errno_text(int error) { return std::generic_category().message(error) + " (errno " + std::to_string(error) + ")"; }

}  // namespace rustml::base
