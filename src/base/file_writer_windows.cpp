// The temporary file is marked for deletion while it is written, so it ends with its process, and shared with nobody, so nobody
// takes it for left behind. Who may read it is what the folder says for new files: Windows has access control lists, no modes.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include "base/file_writer.h"
#include "base/path.h"
#include "base/windows.h"

namespace rustml::base {
namespace {

constexpr const char *kPrefix = ".rustml-", *kSuffix = ".new";
constexpr DWORD kShareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

HANDLE handle_of(intptr_t file) noexcept { return reinterpret_cast<HANDLE>(file); }

bool set_deleted_at_end(HANDLE handle, bool deleted) noexcept {
  FILE_DISPOSITION_INFO info{};
  info.DeleteFile = deleted;
  return SetFileInformationByHandle(handle, FileDispositionInfo, &info, sizeof info);
}

// Where a link leads; `handle` is of the file behind it.
std::string final_path(HANDLE handle) {
  std::wstring path(32768, L'\0');
  path.resize(GetFinalPathNameByHandleW(handle, path.data(), static_cast<DWORD>(path.size()), FILE_NAME_NORMALIZED));
  return utf8_of(path);
}

}  // namespace

void FileWriter::fail_with_system_error(const char* doing) const {
  const DWORD code = GetLastError();
  fail(windows_status(code), "file " + base::quoted(path_) + " cannot be written: " + doing + ": " + windows_message(code));
}

void FileWriter::refuse(const char* why) const {
  fail(Status::invalid_argument, "file " + base::quoted(path_) + " cannot be written: " + why);
}

FileWriter::FileWriter(const std::string& utf8_path) : path_(utf8_path) {
  find_target();
  const size_t slash = target_.find_last_of("/\\:");
  directory_ = slash == target_.npos ? "" : target_.substr(0, slash + 1);
  remove_left_behind();
  create_temporary();
}

// What is written is the file behind the links. A link that leads to nothing is refused: what it says cannot be asked for.
void FileWriter::find_target() {
  target_ = path_;
  const std::filesystem::path path = path_of(path_);
  const DWORD attributes = GetFileAttributesW(path.c_str());
  if (attributes == INVALID_FILE_ATTRIBUTES) {
    if (GetLastError() != ERROR_FILE_NOT_FOUND) fail_with_system_error("looking at it");
    return;
  }
  replaces_ = true;
  if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) refuse("it is a directory");
  if ((attributes & FILE_ATTRIBUTE_READONLY) != 0)
    fail(Status::permission_denied, "file " + base::quoted(path_) + " cannot be written: it is read-only");
  const bool link = (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
  const HANDLE handle = CreateFileW(path.c_str(), 0, kShareAll, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    if (link) fail_with_system_error("following its link");
    return;
  }
  const DWORD type = GetFileType(handle);
  if (link && type == FILE_TYPE_DISK) target_ = final_path(handle);
  CloseHandle(handle);
  if (type != FILE_TYPE_DISK) refuse("it is no regular file (pipe or device)");
}

// The name does not depend on the file's, which may be as long as names can be.
void FileWriter::create_temporary() {
  static constinit std::atomic<uint32_t> counter{0};
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const std::string name =
        directory_ + kPrefix + std::to_string(GetCurrentProcessId()) + "-" + std::to_string(counter.fetch_add(1)) + kSuffix;
    const HANDLE handle =
        CreateFileW(path_of(name).c_str(), GENERIC_WRITE | DELETE, 0, nullptr, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (handle != INVALID_HANDLE_VALUE) {
      temporary_.file = reinterpret_cast<intptr_t>(handle);
      set_deleted_at_end(handle, true);
      return;
    }
    if (GetLastError() != ERROR_FILE_EXISTS) break;
  }
  fail_with_system_error("creating a temporary file beside it");
}

FileWriter::Temporary::~Temporary() {
  if (file == -1) return;
  set_deleted_at_end(handle_of(file), true);
  CloseHandle(handle_of(file));
}

void FileWriter::write(const void* data, uint64_t n) {
  constexpr uint64_t kMaxWrite = 1u << 30;  // the system takes less than 4 GiB at once
  const auto* bytes = static_cast<const char*>(data);
  while (n > 0) {
    DWORD done = 0;
    if (!WriteFile(handle_of(temporary_.file), bytes, static_cast<DWORD>(std::min(n, kMaxWrite)), &done, nullptr))
      fail_with_system_error("writing");
    if (done == 0) {  // nothing was taken and nothing is said: asking again might never end
      SetLastError(ERROR_DISK_FULL);
      fail_with_system_error("writing");
    }
    bytes += done;
    n -= done;
  }
}

void FileWriter::commit() {
  if (!FlushFileBuffers(handle_of(temporary_.file))) fail_with_system_error("flushing");
  if (!set_deleted_at_end(handle_of(temporary_.file), false)) fail_with_system_error("keeping it");
  publish();
  FlushFileBuffers(handle_of(temporary_.file));  // the new name too, where the disk does that
  CloseHandle(handle_of(std::exchange(temporary_.file, -1)));
}

// By its handle: the file is never closed under its temporary name.
void FileWriter::publish() {
  std::wstring name(32768, L'\0');
  name.resize(GetFullPathNameW(path_of(target_).c_str(), static_cast<DWORD>(name.size()), name.data(), nullptr));
  std::vector<std::byte> bytes(sizeof(FILE_RENAME_INFO) + (name.size() + 1) * sizeof(wchar_t));
  auto* info = reinterpret_cast<FILE_RENAME_INFO*>(bytes.data());
  info->ReplaceIfExists = TRUE;
  info->FileNameLength = static_cast<DWORD>(name.size() * sizeof(wchar_t));
  std::memcpy(info->FileName, name.c_str(), (name.size() + 1) * sizeof(wchar_t));
  if (!SetFileInformationByHandle(handle_of(temporary_.file), FileRenameInfo, info, static_cast<DWORD>(bytes.size())))
    fail_with_system_error("renaming");
}

void FileWriter::remove_left_behind() const {
  WIN32_FIND_DATAW found;
  const HANDLE search = FindFirstFileW(path_of(directory_ + kPrefix + "*" + kSuffix).c_str(), &found);
  if (search == INVALID_HANDLE_VALUE) return;
  do DeleteFileW((path_of(directory_) / found.cFileName).c_str());  // not while its writer has it open
  while (FindNextFileW(search, &found));
  FindClose(search);
}

}  // namespace rustml::base
