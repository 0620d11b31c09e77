#include "tokenizer/normalize.h"

#include <utf8proc.h>

#include <algorithm>
#include <iterator>

#include "tokenizer/code_points.h"
#include "tokenizer/normalize_ranges.h"
#include "tokenizer/pretokenize_ranges.h"

namespace rustml::tokenizer {
namespace {

constexpr size_t kPollEvery = 64 * 1024;

bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

template <class Range, size_t n>
const Range* find_range(const Range (&ranges)[n], uint32_t c) {
  const Range* after = std::upper_bound(std::begin(ranges), std::end(ranges), c, [](uint32_t x, const Range& r) { return x < r.first; });
  return after != std::begin(ranges) && c <= (after - 1)->last ? after - 1 : nullptr;
}

int combining_class(int32_t c) { return utf8proc_get_property(c)->combining_class; }

// Canonical order and composition of characters that are decomposed already. utf8proc orders by swapping neighbours, which
// takes the square of a run of marks; so that is done here.
class Composer {
 public:
  Composer(bool compose, std::string& out) : compose_(compose), out_(out) {}

  // What a character decomposes to; n > 0.
  void add(const int32_t* parts, size_t n) {
    if (pending_.size() > kFlushFrom && begins_anew(parts[0])) flush();
    pending_.insert(pending_.end(), parts, parts + n);
  }
  void add_inert(uint32_t c) {
    flush();
    append_utf8(out_, c);
  }
  void flush() {
    const auto end = pending_.end();
    for (auto run = pending_.begin(); run != end;) {
      run = std::find_if(run, end, [](int32_t c) { return combining_class(c) != 0; });
      const auto run_end = std::find_if(run, end, [](int32_t c) { return combining_class(c) == 0; });
      std::stable_sort(run, run_end, [](int32_t a, int32_t b) { return combining_class(a) < combining_class(b); });
      run = run_end;
    }
    size_t n = pending_.size();
    if (compose_ && n > 0) {
      const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
      n = static_cast<size_t>(utf8proc_normalize_utf32(pending_.data(), static_cast<utf8proc_ssize_t>(n), options));
    }
    for (size_t i = 0; i < n; ++i) append_utf8(out_, static_cast<uint32_t>(pending_[i]));
    pending_.clear();
  }

 private:
  static constexpr size_t kFlushFrom = 4096;
  // False for every character that sorts among or composes with what stands before it (and for some that do not).
  static bool begins_anew(int32_t c) {
    return (c < 0x900 || (c >= 0x1100 && c <= 0x1112) || (c >= 0x1E00 && c < 0x11000)) && combining_class(c) == 0;
  }

  bool compose_;
  std::string& out_;
  std::vector<int32_t> pending_;
};

void normalize_unicode(std::string& text, bool compose, bool compatibility, runtime::StopSignal& stop) {
  if (is_ascii(text)) return;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatibility ? UTF8PROC_COMPAT : 0));
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  Composer composer(compose, out);
  size_t next_poll = 0;
  for (size_t at = 0; at < text.size();) {
    if (at >= next_poll) {
      stop.check("encoding");
      next_poll = at + kPollEvery;
    }
    const uint32_t c = next_code_point(text, at);
    if (find_range(kInertRanges, c) != nullptr || find_range(kNewerRanges, c) != nullptr) {
      composer.add_inert(c);
      continue;
    }
    int32_t parts[32];
    int boundary = 0;
    const auto n = utf8proc_decompose_char(static_cast<int32_t>(c), parts, 32, options, &boundary);
    if (n <= 0 || n > 32) {
      composer.add_inert(c);
    } else {
      composer.add(parts, static_cast<size_t>(n));
    }
  }
  composer.flush();
  text = std::move(out);
}

void lowercase(std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const uint32_t c = next_code_point(text, at);
    if (c < 0x80) {
      out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    } else if (c == 0x130) {
      out += "i\u0307";
    } else if (const LowercaseRange* range = find_range(kLowercaseRanges, c)) {
      append_utf8(out, c + static_cast<uint32_t>(range->difference));
    } else {
      append_utf8(out, static_cast<uint32_t>(utf8proc_tolower(static_cast<int32_t>(c))));
    }
  }
  text = std::move(out);
}

void strip(std::string& text, bool left, bool right) {
  const size_t begin = left ? end_of_blanks(text, 0) : 0;
  text.resize(right ? begin_of_blanks(text, text.size(), begin) : text.size());
  text.erase(0, begin);
}

}  // namespace

Normalizer::Normalizer(const base::Json& json) {
  for (const JsonFields& fields : steps_of(JsonFields(json, "tokenizer.json: normalizer"), "normalizers")) {
    Step step{};
    step.kind = static_cast<Kind>(fields.choice("type", {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Prepend", "Replace", "Strip"}));
    if (step.kind == Kind::prepend) {
      step.content = fields.text("prepend");
    } else if (step.kind == Kind::replace) {
      step.content = fields.text("content");
      step.pattern.emplace_back(fields);
    } else if (step.kind == Kind::strip) {
      step.left = fields.flag("strip_left", true);
      step.right = fields.flag("strip_right", true);
    }
    steps_.push_back(std::move(step));
  }
}

void Normalizer::apply(std::string& text, runtime::StopSignal& stop) const {
  const size_t limit = growth_limit(text.size());
  for (const Step& step : steps_) {
    switch (step.kind) {
      case Kind::nfc:
      case Kind::nfd:
      case Kind::nfkc:
      case Kind::nfkd:
        normalize_unicode(text, step.kind == Kind::nfc || step.kind == Kind::nfkc, step.kind == Kind::nfkc || step.kind == Kind::nfkd,
                          stop);
        break;
      case Kind::lowercase: lowercase(text); break;
      case Kind::prepend:
        if (!text.empty()) text.insert(0, step.content);
        break;
      case Kind::replace: {
        std::string out;
        step.pattern[0].replace(text, step.content, out, limit, stop);
        text = std::move(out);
        break;
      }
      case Kind::strip: strip(text, step.left, step.right); break;
    }
    require_growth(text.size(), limit, "the normalizer");
  }
}

}  // namespace rustml::tokenizer
