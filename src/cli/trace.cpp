#include "cli/trace.h"

#include <cerrno>
#include <cstring>

#include "cli/client.h"
#include "cli/system.h"

namespace rustml::cli {

TraceFile::TraceFile(std::string path) : path_(std::move(path)), file_(open_file(path_, "w")) {
  if (file_ == nullptr) throw Failure(status_of_open(errno), "--trace " + path_ + ": the file cannot be written: " + std::strerror(errno));
  std::fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", file_);
}

TraceFile::~TraceFile() { end(); }

void TraceFile::add(std::string_view event) noexcept {
  if (file_ == nullptr) return;
  std::fprintf(file_, "%s\n%.*s", before_, static_cast<int>(event.size()), event.data());
  before_ = ",";
}

bool TraceFile::end() noexcept {
  if (file_ == nullptr) return true;
  std::fputs("\n]}\n", file_);
  const bool written = std::ferror(file_) == 0;
  const bool closed = std::fclose(file_) == 0;  // what was buffered is written here
  file_ = nullptr;
  return written && closed;
}

void TraceFile::close() {
  if (!end()) throw Failure(RUSTML_RESOURCE_EXHAUSTED, "--trace " + path_ + ": the file could not be written: " + std::strerror(errno));
}

}  // namespace rustml::cli
