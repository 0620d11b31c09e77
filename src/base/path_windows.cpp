#include <algorithm>
#include <iterator>
#include <memory>

#include "base/path.h"
#include "base/windows.h"

namespace rustml::base {
namespace {

constexpr size_t kLongPath = 248;  // MAX_PATH less a short name: from here on Windows wants a form of its own
constexpr std::wstring_view kLong = L"\\\\?\\", kLongUnc = L"\\\\?\\UNC\\";

std::wstring full_path(const std::wstring& path) {
  std::wstring full(32768, L'\0');
  full.resize(GetFullPathNameW(path.c_str(), static_cast<DWORD>(full.size()), full.data(), nullptr));
  return full;
}

std::wstring wide(std::string_view utf8) {
  const int bytes = static_cast<int>(utf8.size());
  std::wstring out(static_cast<size_t>(MultiByteToWideChar(CP_UTF8, 0, utf8.data(), bytes, nullptr, 0)), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, utf8.data(), bytes, out.data(), static_cast<int>(out.size()));
  return out;
}

std::string narrow(std::wstring_view text) {  // what is not UTF-16 becomes U+FFFD
  const int units = static_cast<int>(text.size());
  std::string out(static_cast<size_t>(WideCharToMultiByte(CP_UTF8, 0, text.data(), units, nullptr, 0, nullptr, nullptr)), '\0');
  WideCharToMultiByte(CP_UTF8, 0, text.data(), units, out.data(), static_cast<int>(out.size()), nullptr, nullptr);
  return out;
}

}  // namespace

std::filesystem::path path_of(std::string_view utf8) {
  std::wstring path = wide(utf8);
  if (path.size() < kLongPath || path.starts_with(kLong)) return path;
  const std::wstring full = full_path(path);
  if (full.empty()) return path;
  return full.starts_with(L"\\\\") ? kLongUnc.data() + full.substr(2) : kLong.data() + full;
}

std::string utf8_of(const std::filesystem::path& path) { return narrow(path.native()); }

// libstdc++'s canonical does not follow links on Windows.
std::filesystem::path resolved(const std::filesystem::path& path, std::error_code& error) {
  constexpr DWORD kShareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  const HANDLE handle = CreateFileW(path.c_str(), 0, kShareAll, nullptr, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr);
  std::wstring name;
  if (handle != INVALID_HANDLE_VALUE) {
    name.resize(32768);
    const DWORD n = GetFinalPathNameByHandleW(handle, name.data(), static_cast<DWORD>(name.size()), FILE_NAME_NORMALIZED);
    name.resize(n < name.size() ? n : 0);
    CloseHandle(handle);
  }
  error = name.empty() ? std::error_code(static_cast<int>(GetLastError()), std::system_category()) : std::error_code();
  // Without \\?\ where it can be: std::filesystem takes its question mark for a wildcard.
  if (name.size() >= kLongPath) return name;
  return name.starts_with(kLongUnc) ? L"\\\\" + name.substr(kLongUnc.size()) : name.substr(name.starts_with(kLong) ? kLong.size() : 0);
}

Status status_of(const std::error_code& error) noexcept { return windows_status(static_cast<DWORD>(error.value())); }

// Not FormatMessage, which speaks the language of the system, and English only where that is installed.
std::string windows_message(DWORD code) {
  static constexpr struct {
    DWORD code;
    const char* text;
  } kTexts[] = {{ERROR_FILE_NOT_FOUND, "File not found"},
                {ERROR_PATH_NOT_FOUND, "Path not found"},
                {ERROR_TOO_MANY_OPEN_FILES, "Too many open files"},
                {ERROR_ACCESS_DENIED, "Access denied"},
                {ERROR_NOT_ENOUGH_MEMORY, "Not enough memory"},
                {ERROR_OUTOFMEMORY, "Out of memory"},
                {ERROR_INVALID_DRIVE, "No such drive"},
                {ERROR_WRITE_PROTECT, "Write protected"},
                {ERROR_NOT_READY, "Drive not ready"},
                {ERROR_CRC, "Data error in a checksum"},
                {ERROR_SHARING_VIOLATION, "Sharing violation: another program has it open"},
                {ERROR_LOCK_VIOLATION, "Lock violation: another program has locked a part of it"},
                {ERROR_HANDLE_EOF, "End of file"},
                {ERROR_HANDLE_DISK_FULL, "Disk full"},
                {ERROR_NOT_SUPPORTED, "Not supported"},
                {ERROR_BAD_NETPATH, "Network path not found"},
                {ERROR_BAD_NET_NAME, "Network name not found"},
                {ERROR_FILE_EXISTS, "File exists"},
                {ERROR_INVALID_PARAMETER, "Invalid parameter"},
                {ERROR_DISK_FULL, "Disk full"},
                {ERROR_INVALID_NAME, "Invalid name"},
                {ERROR_BAD_PATHNAME, "Invalid path"},
                {ERROR_ALREADY_EXISTS, "Already exists"},
                {ERROR_FILENAME_EXCED_RANGE, "Name too long"},
                {ERROR_DIRECTORY, "Not a directory"},
                {ERROR_IO_DEVICE, "Input/output error"},
                {ERROR_COMMITMENT_LIMIT, "Not enough memory and paging file"},
                {ERROR_NO_SYSTEM_RESOURCES, "Not enough system resources"}};
  const auto* found = std::find_if(std::begin(kTexts), std::end(kTexts), [&](const auto& entry) { return entry.code == code; });
  return std::string(found == std::end(kTexts) ? "System error" : found->text) + " (error " + std::to_string(code) + ")";
}

Status windows_status(DWORD code) {
  switch (code) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_DRIVE:
    case ERROR_BAD_NETPATH:
    case ERROR_BAD_NET_NAME: return Status::not_found;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
    case ERROR_WRITE_PROTECT: return Status::permission_denied;
    case ERROR_INVALID_NAME:
    case ERROR_BAD_PATHNAME:
    case ERROR_FILENAME_EXCED_RANGE:
    case ERROR_DIRECTORY: return Status::invalid_argument;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_NO_SYSTEM_RESOURCES:
    case ERROR_TOO_MANY_OPEN_FILES:
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL: return Status::resource_exhausted;
    default: return Status::data_loss;
  }
}

Status list_directory(const std::filesystem::path& path, std::vector<std::string>& names, size_t most) {
  struct Close {
    using pointer = HANDLE;
    void operator()(HANDLE search) const noexcept { FindClose(search); }
  };
  WIN32_FIND_DATAW found;
  const HANDLE first = FindFirstFileW((path / L"*").c_str(), &found);
  if (first == INVALID_HANDLE_VALUE) return windows_status(GetLastError());
  const std::unique_ptr<void, Close> search(first);
  while (names.size() < most) {
    const std::string name = utf8_of(found.cFileName);
    if (name != "." && name != "..") names.push_back(name);
    if (FindNextFileW(search.get(), &found)) continue;
    const DWORD code = GetLastError();
    return code == ERROR_NO_MORE_FILES ? Status::ok : windows_status(code);
  }
  return Status::ok;
}

}  // namespace rustml::base
