// Regular expressions on valid UTF-8. The only place that knows PCRE2.
//
// A pattern we know is linear in the text runs as fast as it can. A pattern that a file brings may be built to take
// exponential time: it runs in PCRE2's interpreter, whose steps are counted, with a budget that grows with the text.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

#include "runtime/deadline.h"

namespace rustml::tokenizer {

class Regex {
 public:
  enum class Source : unsigned char { known, known_no_jit, file };
  // pattern: Oniguruma's syntax (oniguruma.h). unimplemented, with the pattern, if PCRE2 cannot compile it.
  Regex(std::string_view pattern, Source source);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  struct Match {
    size_t begin, end;
  };

  // Walks the matches of texts; one per call and thread.
  class Cursor {
   public:
    explicit Cursor(const Regex& regex);
    ~Cursor();
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;
    // text: alive while it is searched.
    void set_text(std::string_view text);
    // The leftmost match that begins at `from` or later. resource_exhausted when the budget is spent.
    bool find(size_t from, Match& match, runtime::StopSignal* stop);

   private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace rustml::tokenizer
