#include "tokenizer/decode_steps.h"

#include <charconv>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/code_points.h"
#include "tokenizer/json_sections.h"

namespace rustml::tokenizer {
namespace {

constexpr size_t kMostGrowth = 16, kMoreBytes = 64 * 1024;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// At most `start` characters `c` from the left, and `stop` from the right.
std::string_view stripped(std::string_view text, std::string_view c, uint64_t start, uint64_t stop) {
  for (; start > 0 && text.starts_with(c); --start) text.remove_prefix(c.size());
  for (; stop > 0 && text.ends_with(c); --stop) text.remove_suffix(c.size());
  return text;
}

void join_fallback_bytes(std::vector<std::string>& tokens) {
  std::vector<std::string> out;
  std::string run;
  const auto flush = [&] {
    if (run.empty()) return;
    if (base::utf8_error(run) == base::kValidUtf8) {
      out.push_back(run);
    } else {
      for (size_t i = 0; i < run.size(); ++i) out.emplace_back(kReplacement);
    }
    run.clear();
  };
  for (std::string& token : tokens) {
    const int byte = fallback_byte(token);
    if (byte >= 0) {
      run += static_cast<char>(byte);
    } else {
      flush();
      out.push_back(std::move(token));
    }
  }
  flush();
  tokens = std::move(out);
}

void join(std::vector<std::string>& tokens, std::string_view between = {}) {
  std::string all;
  for (const std::string& token : tokens) (all += &token == &tokens.front() ? "" : between) += token;
  tokens.assign(1, std::move(all));
}

uint64_t count(const JsonFields& fields, const char* key) { return static_cast<uint64_t>(fields.whole(key, 0, INT64_MAX)); }

}  // namespace

int fallback_byte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int byte = -1;
  const auto read = std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
  return read.ptr == token.data() + 5 && byte >= 0 ? byte : -1;
}

DecodeSteps::DecodeSteps(const base::Json& json) : between_("") {
  for (const JsonFields& fields : steps_of(JsonFields(json, "tokenizer.json: decoder"), "decoders")) {
    Step step{};
    step.kind = static_cast<Kind>(fields.choice("type", {"Replace", "ByteFallback", "Fuse", "ByteLevel", "Strip", "Metaspace"}));
    if (step.kind == Kind::replace) {
      const JsonFields pattern = fields.object("pattern");
      if (!pattern.has("String")) fields.unsupported("pattern", "Regex", "String");
      step.pattern = pattern.text("String");
      if (step.pattern.empty()) fields.unsupported("pattern", "", "texts that are not empty");
      step.content = fields.text("content");
    } else if (step.kind == Kind::strip) {
      step.pattern = one_character(fields, "content");
      step.start = count(fields, "start");
      step.stop = count(fields, "stop");
    } else if (step.kind == Kind::metaspace) {
      step.pattern = one_character(fields, "replacement");
      step.drops_first = fields.has("prepend_scheme") ? fields.text("prepend_scheme") != "never" : fields.flag("add_prefix_space", true);
    }
    steps_.push_back(std::move(step));
  }
}

std::string DecodeSteps::text(std::vector<std::string> tokens) const {
  std::string bytes;
  for (const Step& step : steps_) {
    switch (step.kind) {
      case Kind::replace:
        for (std::string& token : tokens) token = replaced(token, step.pattern, step.content);
        break;
      case Kind::byte_fallback: join_fallback_bytes(tokens); break;
      case Kind::fuse: join(tokens); break;
      case Kind::byte_level:
        for (std::string& token : tokens) {
          if (kByteAlphabet.spelled(token, bytes)) token.swap(bytes);
        }
        join(tokens);
        break;
      case Kind::strip:
        for (std::string& token : tokens) token = stripped(token, step.pattern, step.start, step.stop);
        break;
      case Kind::metaspace:
        for (size_t i = 0; i < tokens.size(); ++i) {
          tokens[i] = replaced(tokens[i], step.pattern, i == 0 && step.drops_first ? "" : " ");
        }
        break;
    }
  }
  join(tokens, between_);
  return std::move(tokens[0]);
}

std::string DecodeSteps::bytes(std::string_view token) const {
  std::string text(token), bytes;
  const size_t limit = kMostGrowth * token.size() + kMoreBytes;
  bool whole = false;  // further steps see the text as a whole, of which this token is not the end
  for (const Step& step : steps_) {
    if (step.kind == Kind::replace) {
      text = replaced(text, step.pattern, step.content);
    } else if (step.kind == Kind::metaspace) {
      text = replaced(text, step.pattern, " ");
    } else if (step.kind == Kind::byte_fallback && fallback_byte(text) >= 0) {
      text.assign(1, static_cast<char>(fallback_byte(text)));
    } else if (step.kind == Kind::byte_level && kByteAlphabet.spelled(text, bytes)) {
      text.swap(bytes);
    } else if (step.kind == Kind::strip && !whole) {
      text = stripped(text, step.pattern, step.start, step.stop);
    }
    whole |= step.kind == Kind::fuse || step.kind == Kind::byte_level;
    if (text.size() > limit) {
      base::fail(base::Status::resource_exhausted,
                 "tokenizer.json: the decoder makes the token " + base::quoted(token) + " longer than " + std::to_string(limit) + " bytes");
    }
  }
  return text;
}

}  // namespace rustml::tokenizer
