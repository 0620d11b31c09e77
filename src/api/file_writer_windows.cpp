#include <algorithm>
#include <atomic>

#include "api/file_writer.h"
#include "base/path.h"
#include "base/windows.h"

namespace rustml::api {

using base::fail;
using base::path_of;
using base::Status;

namespace {

HANDLE handle_of(intptr_t file) noexcept { return reinterpret_cast<HANDLE>(file); }

}  // namespace

void FileWriter::fail_with_system_error(const char* doing) const {
  const DWORD code = GetLastError();
  const Status status = base::windows_status(code);
  fail(status == Status::data_loss ? Status::resource_exhausted : status,
       "file " + base::quoted(path_) + " cannot be written: " + doing + ": " + base::windows_message(code));
}

FileWriter::FileWriter(const std::string& utf8_path) : path_(utf8_path) {
  const size_t slash = path_.find_last_of("/\\:");
  directory_ = slash == path_.npos ? "" : path_.substr(0, slash + 1);
  const std::filesystem::path path = path_of(path_);
  const DWORD attributes = GetFileAttributesW(path.c_str());
  if (attributes == INVALID_FILE_ATTRIBUTES) {
    if (GetLastError() != ERROR_FILE_NOT_FOUND) fail_with_system_error("looking at it");
  } else if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
    fail(Status::invalid_argument, "file " + base::quoted(path_) + " cannot be written: it is a directory");
  } else if ((attributes & FILE_ATTRIBUTE_READONLY) != 0) {
    fail(Status::permission_denied, "file " + base::quoted(path_) + " cannot be written: it is read-only");
  } else {
    const HANDLE handle = CreateFileW(path.c_str(), 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                                      FILE_ATTRIBUTE_NORMAL, nullptr);
    const DWORD type = handle == INVALID_HANDLE_VALUE ? FILE_TYPE_DISK : GetFileType(handle);
    if (handle != INVALID_HANDLE_VALUE) CloseHandle(handle);
    if (type != FILE_TYPE_DISK)
      fail(Status::invalid_argument, "file " + base::quoted(path_) + " cannot be written: it is no regular file (pipe or device)");
  }
  create_temporary();
}

// The name does not depend on the file's, which may be as long as names can be.
void FileWriter::create_temporary() {
  static constinit std::atomic<uint32_t> counter{0};
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const std::string name =
        directory_ + ".rustml-" + std::to_string(GetCurrentProcessId()) + "-" + std::to_string(counter.fetch_add(1)) + ".tmp";
    const HANDLE handle = CreateFileW(path_of(name).c_str(), GENERIC_WRITE, 0, nullptr, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (handle != INVALID_HANDLE_VALUE) {
      file_ = reinterpret_cast<intptr_t>(handle);
      temporary_ = name;
      return;
    }
    if (GetLastError() != ERROR_FILE_EXISTS) break;
  }
  fail_with_system_error("creating a temporary file beside it");
}

FileWriter::~FileWriter() {
  if (file_ != -1) CloseHandle(handle_of(file_));
  if (!temporary_.empty()) DeleteFileW(path_of(temporary_).c_str());
}

void FileWriter::write(const void* data, uint64_t n) {
  constexpr uint64_t kMaxWrite = 1u << 30;  // the system takes less than 4 GiB at once
  const auto* bytes = static_cast<const char*>(data);
  while (n > 0) {
    DWORD done = 0;
    if (!WriteFile(handle_of(file_), bytes, static_cast<DWORD>(std::min(n, kMaxWrite)), &done, nullptr)) fail_with_system_error("writing");
    bytes += done;
    n -= done;
  }
}

void FileWriter::commit() {
  if (!FlushFileBuffers(handle_of(file_))) fail_with_system_error("flushing");
  const HANDLE handle = handle_of(file_);
  file_ = -1;
  if (!CloseHandle(handle)) fail_with_system_error("closing");
  // Returns when the new name is on the disk too.
  if (!MoveFileExW(path_of(temporary_).c_str(), path_of(path_).c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
    fail_with_system_error("renaming");
  temporary_.clear();
}

}  // namespace rustml::api
