#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/pretokenize_regex.h"

#include <pcre2.h>

#include <algorithm>
#include <new>

#include "base/error.h"
#include "runtime/thread.h"
#include "tokenizer/oniguruma.h"

namespace rustml::tokenizer {
namespace {

constexpr size_t kLongestPattern = 16 * 1024;  // bytes, before it is translated
// PCRE2's compiler takes 19 kB of stack and 640 bytes for each group inside a group: so deep on the caller's, deeper on a thread's of ours.
constexpr uint32_t kShallow = 8, kDeepest = 250;
// What compiled patterns keep their backtracking in, grown where needed: PCRE2 would take the first of it from the caller's stack.
constexpr size_t kJitStack = 32 * 1024, kMostJitStack = 512 * 1024;
constexpr size_t kWindow = 1024;          // places where one search of a file's pattern may begin; then stop is polled
constexpr size_t kWindowBytes = 1 << 24;  // the same, times the text that is left
constexpr uint32_t kFirstLimit = 64;      // steps at one place before it is searched on its own
constexpr uint64_t kStepsPerByte = 128, kMoreSteps = uint64_t{1} << 22;
constexpr uint32_t kHeapKibibytes = 256 * 1024;
// What is not counted: possessive loops over single characters. Their time is limited, a hundred times what patterns need.
constexpr uint64_t kLongestNs = 2'000'000'000, kNsPerByte = 5000;

std::string pcre2_message(int code) {
  PCRE2_UCHAR buffer[160] = {};
  pcre2_get_error_message(code, buffer, sizeof buffer);
  return std::string(reinterpret_cast<const char*>(buffer)) + " (" + std::to_string(code) + ")";
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

struct Regex::Compiled {
  std::string pattern;  // as given
  bool counted = false, jit = false;
  pcre2_code* code = nullptr;
  ~Compiled() { pcre2_code_free(code); }
};

Regex::Regex(std::string_view pattern, Source source) : compiled_(std::make_unique<Compiled>()) {
  if (pattern.size() > kLongestPattern) {
    base::fail(base::Status::resource_exhausted,
               "tokenizer.json: a pattern of " + std::to_string(pattern.size()) + " bytes, limit " + std::to_string(kLongestPattern));
  }
  compiled_->pattern = pattern;
  compiled_->counted = source == Source::file;
  const std::string translated = pcre2_pattern(pattern);
  const std::unique_ptr<pcre2_compile_context, void (*)(pcre2_compile_context*)> context(pcre2_compile_context_create(nullptr),
                                                                                         pcre2_compile_context_free);
  if (context == nullptr) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  const auto compile = [&] {
    compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NO_UTF_CHECK | PCRE2_USE_OFFSET_LIMIT |
                                        (source == Source::file ? PCRE2_NO_AUTO_POSSESS : 0),
                                    &error, &offset, context.get());
  };
  pcre2_set_parens_nest_limit(context.get(), kShallow);
  compile();
  if (compiled_->code == nullptr && error == PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP) {
    pcre2_set_parens_nest_limit(context.get(), kDeepest);
    runtime::Thread(compile).join();
  }
  if (compiled_->code == nullptr) {
    if (error == PCRE2_ERROR_NOMEMORY || error == 121) throw std::bad_alloc();
    base::fail(base::Status::unimplemented,
               "tokenizer.json: the pattern " + base::quoted(pattern) + " is not supported: " + pcre2_message(error));
  }
  // Should this fail, the interpreter finds the same more slowly.
  compiled_->jit = source == Source::known && pcre2_jit_compile(compiled_->code, PCRE2_JIT_COMPLETE) == 0;
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

struct Regex::Cursor::Impl {
  const Compiled* regex;
  std::string_view text;
  uint64_t budget = kMoreSteps;  // steps
  uint64_t deadline_ns = 0;      // 0: no text yet
  pcre2_match_data* match = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = nullptr;  // of a pattern that runs as machine code

  Impl(const Compiled* compiled) : regex(compiled) {
    if (regex->jit) stack = pcre2_jit_stack_create(kJitStack, kMostJitStack, nullptr);
    if (match == nullptr || context == nullptr || (regex->jit && stack == nullptr)) {
      free();
      throw std::bad_alloc();
    }
    pcre2_jit_stack_assign(context, nullptr, stack);
    // A known pattern backtracks one step per character of a word, no more; PCRE2's own limit is below 10 MB of blanks.
    pcre2_set_match_limit(context, UINT32_MAX);
    pcre2_set_depth_limit(context, UINT32_MAX);
    if (regex->counted) pcre2_set_heap_limit(context, kHeapKibibytes);
  }
  ~Impl() { free(); }
  void free() {
    pcre2_match_data_free(match);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }

  int search(size_t from, uint32_t options) {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    return pcre2_match(regex->code, subject, text.size(), from, options | PCRE2_NO_UTF_CHECK, match, context);
  }
  [[noreturn]] void fail(int error, size_t at) const {
    if (error == PCRE2_ERROR_NOMEMORY) throw std::bad_alloc();
    if (error == PCRE2_ERROR_MATCHLIMIT || error == PCRE2_ERROR_HEAPLIMIT || error == PCRE2_ERROR_DEPTHLIMIT) {
      base::fail(base::Status::resource_exhausted,
                 "tokenizer: the pattern " + base::quoted(regex->pattern) + " takes too long on this text: " + pcre2_message(error));
    }
    base::fail(base::Status::internal,
               "pattern " + base::quoted(regex->pattern) + " at byte " + std::to_string(at) + ": " + pcre2_message(error));
  }

  // Whether the pattern matches exactly here, with as many steps as it needs and the budget has.
  int search_here(size_t at) {
    for (uint64_t limit = kFirstLimit;; limit = std::min<uint64_t>(limit * 16, UINT32_MAX)) {
      limit = std::min(limit, budget);
      budget -= limit;
      pcre2_set_match_limit(context, static_cast<uint32_t>(limit));
      const int found = search(at, PCRE2_ANCHORED);
      if (found != PCRE2_ERROR_MATCHLIMIT || budget == 0) return found;
    }
  }

  int search_counted(size_t from, runtime::StopSignal* stop) {
    for (;;) {
      if (stop != nullptr) stop->check("encoding");
      if (runtime::now_ns() > deadline_ns) return PCRE2_ERROR_MATCHLIMIT;
      const size_t left = text.size() - from;
      size_t window_end = from + std::min(left, std::clamp<size_t>(kWindowBytes / (left + 1), 1, kWindow));
      while (window_end < text.size() && continues_character(text[window_end])) ++window_end;
      pcre2_set_match_limit(context, kFirstLimit);
      pcre2_set_offset_limit(context, window_end);
      int found = search(from, 0);
      pcre2_set_offset_limit(context, PCRE2_UNSET);
      if (found == PCRE2_ERROR_MATCHLIMIT) {
        for (size_t at = from; at <= window_end; ++at) {
          if (at < text.size() && continues_character(text[at])) continue;
          found = search_here(at);
          if (found != PCRE2_ERROR_NOMATCH) return found;
        }
      }
      if (found != PCRE2_ERROR_NOMATCH || window_end == text.size()) return found;
      from = window_end;
    }
  }
};

Regex::Cursor::Cursor(const Regex& regex) : impl_(std::make_unique<Impl>(regex.compiled_.get())) {}
Regex::Cursor::~Cursor() = default;

void Regex::Cursor::set_text(std::string_view text) {
  impl_->text = text;
  if (!impl_->regex->counted) return;
  impl_->budget = std::min(impl_->budget + kStepsPerByte * text.size(), uint64_t{1} << 40);
  if (impl_->deadline_ns == 0) impl_->deadline_ns = runtime::now_ns() + kLongestNs;
  impl_->deadline_ns += kNsPerByte * text.size();
}

bool Regex::Cursor::find(size_t from, Match& match, runtime::StopSignal* stop) {
  int found;
  if (impl_->regex->counted) {
    found = impl_->search_counted(from, stop);
  } else {
    found = impl_->search(from, 0);
    // The interpreter keeps its stack on the heap.
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) found = impl_->search(from, PCRE2_NO_JIT);
  }
  if (found == PCRE2_ERROR_NOMATCH) return false;
  if (found < 0) impl_->fail(found, from);
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(impl_->match);
  match = {ends[0], ends[1]};
  return true;
}

}  // namespace rustml::tokenizer
