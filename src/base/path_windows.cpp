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

std::string windows_message(DWORD code) {
  constexpr DWORD kHow = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK;
  wchar_t text[512];
  const DWORD english = MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US);
  DWORD n = FormatMessageW(kHow, nullptr, code, english, text, 512, nullptr);
  if (n == 0) n = FormatMessageW(kHow, nullptr, code, 0, text, 512, nullptr);
  while (n > 0 && (text[n - 1] <= L' ' || text[n - 1] == L'.')) --n;
  return (n > 0 ? narrow({text, n}) + " " : std::string()) + "(error " + std::to_string(code) + ")";
}

Status windows_status(DWORD code) {
  switch (code) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_DRIVE:
    case ERROR_BAD_NETPATH:
    case ERROR_BAD_NET_NAME:
      return Status::not_found;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
    case ERROR_WRITE_PROTECT:
      return Status::permission_denied;
    case ERROR_INVALID_NAME:
    case ERROR_BAD_PATHNAME:
    case ERROR_FILENAME_EXCED_RANGE:
    case ERROR_DIRECTORY:
      return Status::invalid_argument;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_NO_SYSTEM_RESOURCES:
    case ERROR_TOO_MANY_OPEN_FILES:
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
      return Status::resource_exhausted;
    default:
      return Status::data_loss;
  }
}

}  // namespace rustml::base
