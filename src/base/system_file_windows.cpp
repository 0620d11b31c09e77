#include "base/path.h"
#include "base/system_file.h"
#include "base/windows.h"

namespace rustml::base {
namespace {

HANDLE handle_of(intptr_t value) noexcept { return reinterpret_cast<HANDLE>(value); }

[[noreturn]] void fail_open(const std::string& path, DWORD code) {
  const std::string name = base::quoted(path);
  switch (windows_status(code)) {
    case Status::not_found:
      fail(Status::not_found, "file " + name + " does not exist; check the path and the current directory");
    case Status::permission_denied:
      if (code == ERROR_SHARING_VIOLATION)
        fail(Status::permission_denied, "file " + name + " is open in a program that lets nobody else read it; close that program");
      fail(Status::permission_denied, "file " + name + " may not be read by this user; check its permissions");
    default:
      fail(windows_status(code), "file " + name + " was not opened: " + windows_message(code));
  }
}

}  // namespace

SystemFile::SystemFile(const std::string& utf8_path) {
  const std::filesystem::path path = path_of(utf8_path);
  const DWORD attributes = GetFileAttributesW(path.c_str());
  if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    fail(Status::invalid_argument, "path " + base::quoted(utf8_path) + " is a directory; give a regular file");
  // Others may write, rename and delete it meanwhile, as everywhere else.
  constexpr DWORD kShareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  const HANDLE handle = CreateFileW(path.c_str(), GENERIC_READ, kShareAll, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) fail_open(utf8_path, GetLastError());
  LARGE_INTEGER size;
  const DWORD type = GetFileType(handle);
  if (type == FILE_TYPE_DISK && GetFileSizeEx(handle, &size)) {
    handle_ = reinterpret_cast<intptr_t>(handle);
    size_ = static_cast<uint64_t>(size.QuadPart);
    return;
  }
  const DWORD code = GetLastError();
  CloseHandle(handle);
  if (type == FILE_TYPE_DISK) fail_open(utf8_path, code);
  fail(Status::invalid_argument,
       "path " + base::quoted(utf8_path) + " is " + (type == FILE_TYPE_PIPE ? "a pipe" : "a device") + "; give a regular file");
}

SystemFile::~SystemFile() { CloseHandle(handle_of(handle_)); }

uint64_t SystemFile::read_some(uint64_t offset, void* buf, uint64_t n, const std::string& what) {
  OVERLAPPED at{};
  at.Offset = static_cast<DWORD>(offset);
  at.OffsetHigh = static_cast<DWORD>(offset >> 32);
  DWORD got = 0;
  if (ReadFile(handle_of(handle_), buf, static_cast<DWORD>(n), &got, &at)) return got;
  const DWORD code = GetLastError();
  if (code == ERROR_HANDLE_EOF) return 0;
  fail(windows_status(code) == Status::resource_exhausted ? Status::resource_exhausted : Status::data_loss,
       what + ": reading " + std::to_string(n) + " bytes at " + std::to_string(offset) + " failed: " + windows_message(code));
}

}  // namespace rustml::base
