#include "base/system_error.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace rustml::base {

namespace {

struct ErrnoText {
  int error;
  const char* text;
};
// clang-format off
constexpr ErrnoText kTexts[] = {
    {EPERM, "Operation not permitted"}, {ENOENT, "No such file or directory"}, {EINTR, "Interrupted system call"},
    {EIO, "Input/output error"}, {ENXIO, "No such device or address"}, {E2BIG, "Argument list too long"}, {EBADF, "Bad file descriptor"},
    {EAGAIN, "Resource temporarily unavailable"}, {ENOMEM, "Cannot allocate memory"}, {EACCES, "Permission denied"},
    {EFAULT, "Bad address"}, {EBUSY, "Device or resource busy"}, {EEXIST, "File exists"}, {EXDEV, "Invalid cross-device link"},
    {ENODEV, "No such device"}, {ENOTDIR, "Not a directory"}, {EISDIR, "Is a directory"}, {EINVAL, "Invalid argument"},
    {ENFILE, "Too many open files in system"}, {EMFILE, "Too many open files"}, {ENOTTY, "Inappropriate ioctl for device"},
    {ETXTBSY, "Text file busy"}, {EFBIG, "File too large"}, {ENOSPC, "No space left on device"}, {ESPIPE, "Illegal seek"},
    {EROFS, "Read-only file system"}, {EMLINK, "Too many links"}, {EPIPE, "Broken pipe"}, {EDOM, "Numerical argument out of domain"},
    {ERANGE, "Numerical result out of range"}, {EDEADLK, "Resource deadlock avoided"}, {ENAMETOOLONG, "File name too long"},
    {ENOLCK, "No locks available"}, {ENOSYS, "Function not implemented"}, {ENOTEMPTY, "Directory not empty"},
    {ELOOP, "Too many levels of symbolic links"}, {EOVERFLOW, "Value too large for defined data type"},
    {EILSEQ, "Invalid or incomplete multibyte or wide character"}, {ENOTSUP, "Operation not supported"}, {EPROTO, "Protocol error"},
    {EBADMSG, "Bad message"}, {ETIMEDOUT, "Connection timed out"}, {ECONNREFUSED, "Connection refused"},
    {ECONNRESET, "Connection reset by peer"}, {ECONNABORTED, "Software caused connection abort"}, {EHOSTUNREACH, "No route to host"},
    {ENETUNREACH, "Network is unreachable"}, {ENETDOWN, "Network is down"}, {EADDRINUSE, "Address already in use"},
    {ENOTCONN, "Transport endpoint is not connected"}, {ENOBUFS, "No buffer space available"}, {ECANCELED, "Operation canceled"},
#ifdef ESTALE
    {ESTALE, "Stale file handle"},
#endif
#ifdef EDQUOT
    {EDQUOT, "Disk quota exceeded"},
#endif
#ifdef EREMOTEIO
    {EREMOTEIO, "Remote I/O error"},
#endif
#ifdef EUCLEAN
    {EUCLEAN, "Structure needs cleaning"},
#endif
#ifdef EHOSTDOWN
    {EHOSTDOWN, "Host is down"},
#endif
};
// clang-format on

}  // namespace

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
    case EROFS: return Status::permission_denied;
    case ENOENT:
    case ENOTDIR:
    case ELOOP: return Status::not_found;
    case ENAMETOOLONG:
    case EISDIR:
    case EINVAL:
    case ENXIO:
    case ENODEV: return Status::invalid_argument;
    default: return Status::data_loss;
  }
}

// Not strerror, which speaks the language of LC_MESSAGES. The wording is glibc's.
std::string errno_text(int error) {
  const auto* found = std::find_if(std::begin(kTexts), std::end(kTexts), [&](const auto& entry) { return entry.error == error; });
  return std::string(found == std::end(kTexts) ? "System error" : found->text) + " (errno " + std::to_string(error) + ")";
}

}  // namespace rustml::base
