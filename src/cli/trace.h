// --trace FILE: where the time went, for chrome://tracing and https://ui.perfetto.dev. The library's spans come as log records
// of component rustml::trace, each one event of the Chrome trace format; the file is the JSON object around them.
#pragma once
#include <cstdio>
#include <string>
#include <string_view>

namespace rustml::cli {

constexpr std::string_view kTraceComponent = "rustml::trace";

class TraceFile {
 public:
  explicit TraceFile(std::string path);  // throws Failure
  ~TraceFile();                          // ends the file, whatever happened
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  void add(std::string_view event) noexcept;  // JSON
  // Throws Failure if anything could not be written. Nothing may be added afterwards.
  void close();

 private:
  bool end() noexcept;  // false: something was not written

  const std::string path_;
  std::FILE* file_;
  const char* before_ = "";  // between this event and the last
};

}  // namespace rustml::cli
