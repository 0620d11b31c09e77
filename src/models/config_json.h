// Fields of a config.json, each with its type and range. Every fault is data_loss naming file and field, with the value found
// and what it must be.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "formats/model_file.h"

namespace rustml::models {

class ConfigJson {
 public:
  explicit ConfigJson(const formats::ModelFile& file);
  // Fields that are absent here are taken from `json`: what a published class of configurations leaves out.
  void use_defaults(const char* json);

  bool has(std::string_view field) const { return find(field) != nullptr; }  // there, and not null
  int64_t size(std::string_view field, int64_t limit) const;
  int64_t size(std::string_view field, int64_t limit, int64_t fallback) const;
  double positive(std::string_view field) const;
  double positive(std::string_view field, double fallback) const;
  bool flag(std::string_view field, bool fallback) const;
  std::string text(std::string_view field, std::string_view fallback) const;
  std::vector<std::string> texts(std::string_view field) const;  // empty when absent
  ConfigJson object(std::string_view field) const;               // with no fields when absent
  bool empty() const noexcept { return object_ == nullptr; }

  // unimplemented unless the field is absent, null or supported.
  void require_text(std::string_view field, std::initializer_list<std::string_view> supported) const;
  void require_flag(std::string_view field, bool supported) const;
  void require_absent(std::string_view field) const;

  [[noreturn]] void fail(std::string_view field, const std::string& problem) const;

 private:
  ConfigJson(const ConfigJson& parent, std::string_view field);
  const base::Json* find(std::string_view field) const;
  const base::Json& require(std::string_view field) const;
  int64_t as_size(std::string_view field, const base::Json& value, int64_t limit) const;
  double as_positive(std::string_view field, const base::Json& value) const;

  std::string subject_;
  std::shared_ptr<const base::Json> document_;
  const base::Json* object_ = nullptr;  // in the document
  std::shared_ptr<const base::Json> defaults_;
};

}  // namespace rustml::models
