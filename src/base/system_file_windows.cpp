#include "base/path.h"
#include "base/system_file.h"
#include "base/windows.h"

namespace rustml::base {
namespace {

// Others may write, rename and delete it meanwhile, as everywhere else.
constexpr DWORD kShareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

int64_t ticks_of(const FILETIME& time) noexcept {  // of 100 ns
  return static_cast<int64_t>(uint64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime);
}

HANDLE handle_of(intptr_t value) noexcept { return reinterpret_cast<HANDLE>(value); }

[[noreturn]] void fail_open(const std::string& path, DWORD code) {
  const std::string name = base::quoted(path);
  switch (windows_status(code)) {
    case Status::not_found: fail(Status::not_found, "file " + name + " does not exist; check the path and the current directory");
    case Status::permission_denied:
      if (code == ERROR_SHARING_VIOLATION)
        fail(Status::permission_denied, "file " + name + " is open in a program that lets nobody else read it; close that program");
      fail(Status::permission_denied, "file " + name + " may not be read by this user; check its permissions");
    default: fail(windows_status(code), "file " + name + " was not opened: " + windows_message(code));
  }
}

}  // namespace

SystemFile::SystemFile(const std::string& utf8_path) {
  const std::filesystem::path path = path_of(utf8_path);
  const DWORD attributes = GetFileAttributesW(path.c_str());
  if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    fail(Status::invalid_argument, "path " + base::quoted(utf8_path) + " is a directory; give a regular file");
  const HANDLE handle = CreateFileW(path.c_str(), GENERIC_READ, kShareAll, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) fail_open(utf8_path, GetLastError());
  handle_ = reinterpret_cast<intptr_t>(handle);
  const DWORD type = GetFileType(handle);
  if (type == FILE_TYPE_DISK && look(opened_)) {
    shows_writes_ = will_show_writes();
    return;
  }
  const DWORD code = GetLastError();
  CloseHandle(handle);
  if (type == FILE_TYPE_DISK) fail_open(utf8_path, code);
  fail(Status::invalid_argument,
       "path " + base::quoted(utf8_path) + " is " + (type == FILE_TYPE_PIPE ? "a pipe" : "a device") + "; give a regular file");
}

bool SystemFile::look(State& state) const noexcept {
  BY_HANDLE_FILE_INFORMATION info;
  FILE_BASIC_INFO times;
  if (!GetFileInformationByHandle(handle_of(handle_), &info)) return false;
  const int64_t written_ns = ticks_of(info.ftLastWriteTime) * 100;
  const bool has_times = GetFileInformationByHandleEx(handle_of(handle_), FileBasicInfo, &times, sizeof times);
  state = {uint64_t{info.nFileSizeHigh} << 32 | info.nFileSizeLow, info.nNumberOfLinks, written_ns,
           has_times ? times.ChangeTime.QuadPart * 100 : written_ns};
  return true;
}

bool SystemFile::is_at(const std::string& utf8_path) const noexcept {
  const HANDLE other = CreateFileW(path_of(utf8_path).c_str(), 0, kShareAll, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (other == INVALID_HANDLE_VALUE) return false;
  BY_HANDLE_FILE_INFORMATION here, there;
  const bool known = GetFileInformationByHandle(handle_of(handle_), &here) && GetFileInformationByHandle(other, &there);
  CloseHandle(other);
  return known && here.dwVolumeSerialNumber == there.dwVolumeSerialNumber && here.nFileIndexHigh == there.nFileIndexHigh &&
         here.nFileIndexLow == there.nFileIndexLow;
}

// Windows may set the time of a write as late as when the writer closes the file; so only of old files much can be said.
bool SystemFile::will_show_writes() const noexcept {
  FILETIME now;
  GetSystemTimeAsFileTime(&now);
  constexpr int64_t kRecent_ns = 2'000'000'000;
  return ticks_of(now) * 100 - opened_.written_ns > kRecent_ns;
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
