// Warnings and errors that are logged on this thread while it lives.
#pragma once
#include <string>
#include <vector>

#include "base/log.h"

namespace rustml::base {

struct LogRecords {
  std::vector<std::string> texts;
  ApiScope scope;
  LogRecords() {
    log_set("warn", [this](const LogRecord& record) { texts.push_back(record.text); });
  }
  ~LogRecords() { log_set("", {}); }
  LogRecords(const LogRecords&) = delete;
  LogRecords& operator=(const LogRecords&) = delete;
};

}  // namespace rustml::base
