// What the system's error numbers are called here (abi.md, "Status and errors"): the only place that turns errno into a Status.
#pragma once
#include <string>

#include "base/error.h"

namespace rustml::base {

// ENOMEM, ENOSPC, EDQUOT, EMFILE, ENFILE, EFBIG, EAGAIN -> resource_exhausted; EACCES, EPERM, EROFS -> permission_denied; ENOENT,
// ENOTDIR, ELOOP -> not_found; names and kinds of files that cannot be right -> invalid_argument; all else (EIO, ESTALE) -> data_loss.
Status status_of_errno(int error) noexcept;
// "No space left on device (errno 28)": the same words in every locale and on every system.
std::string errno_text(int error);

}  // namespace rustml::base
