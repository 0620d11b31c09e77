#include "tokenizer/pretokenize_steps.h"

#include <algorithm>

#include "base/error.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/code_points.h"
#include "tokenizer/text_pattern.h"

namespace rustml::tokenizer {
namespace {

using Range = PreTokens::Range;

// In the order of add_split.
enum class Behavior : unsigned char { removed, isolated, merged_with_previous, merged_with_next, contiguous };

// Cuts every word where a pattern matches.
class SplitStep final : public PretokenizeStep {
 public:
  SplitStep(TextPattern pattern, Behavior behavior, bool invert) : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}

  void apply(PreTokens& tokens, runtime::StopSignal& stop) const override {
    TextPattern::Search search(pattern_);
    tokens.next_ranges.clear();
    std::vector<Part> parts;
    for (const Range range : tokens.ranges) {
      parts.clear();
      search.set_text(tokens.of(range));
      uint32_t done = 0;
      const uint32_t length = range.end - range.begin;
      for (Regex::Match match; search.next(match, stop);) {
        const auto begin = static_cast<uint32_t>(match.begin), end = static_cast<uint32_t>(match.end);
        if (done != begin) parts.push_back({done, begin, invert_});
        parts.push_back({begin, end, !invert_});
        done = end;
      }
      if (done != length) parts.push_back({done, length, invert_});
      join(parts);
      for (const Part part : parts) {
        if (part.begin == part.end || (behavior_ == Behavior::removed && part.matches)) continue;
        tokens.next_ranges.push_back({range.begin + part.begin, range.begin + part.end});
      }
    }
    tokens.ranges.swap(tokens.next_ranges);
  }

 private:
  struct Part {
    uint32_t begin, end;
    bool matches;
  };

  void join(std::vector<Part>& parts) const {
    if (behavior_ == Behavior::removed || behavior_ == Behavior::isolated) return;
    const bool backwards = behavior_ == Behavior::merged_with_next;
    if (backwards) std::reverse(parts.begin(), parts.end());
    size_t kept = 0;
    bool previous = false;
    for (const Part part : parts) {
      const bool joins = behavior_ == Behavior::contiguous ? part.matches == previous : part.matches && !previous;
      previous = part.matches;
      if (!joins || kept == 0) {
        parts[kept++] = part;
      } else if (backwards) {
        parts[kept - 1].begin = part.begin;
      } else {
        parts[kept - 1].end = part.end;
      }
    }
    parts.resize(kept);
    if (backwards) std::reverse(parts.begin(), parts.end());
  }

  TextPattern pattern_;
  Behavior behavior_;
  bool invert_;
};

// Writes every word anew: append(out, range) for each.
template <class Append>
void rewrite(PreTokens& tokens, runtime::StopSignal& stop, const Append& append) {
  std::string& out = tokens.next_buffer;
  out.clear();
  out.reserve(tokens.text.size() + tokens.text.size() / 2);
  size_t next_poll = 0;
  for (Range& range : tokens.ranges) {
    if (out.size() >= next_poll) {
      stop.check("encoding");
      next_poll = out.size() + 64 * 1024;
    }
    const auto begin = static_cast<uint32_t>(out.size());
    append(out, range);
    range = {begin, static_cast<uint32_t>(out.size())};
  }
  tokens.buffer.swap(tokens.next_buffer);
  tokens.text = tokens.buffer;
}

// Spells every byte as a character.
class SpellStep final : public PretokenizeStep {
 public:
  void apply(PreTokens& tokens, runtime::StopSignal& stop) const override {
    rewrite(tokens, stop, [&](std::string& out, Range range) {
      for (const char c : tokens.of(range)) out += kByteAlphabet.of(static_cast<unsigned char>(c));
    });
  }
};

// Blanks become `blank`, one goes before words that do not begin with it.
class BlankStep final : public PretokenizeStep {
 public:
  enum class Prepend : unsigned char { never, first, always };
  BlankStep(std::string blank, Prepend prepend) : blank_(std::move(blank)), prepend_(prepend) {}

  void apply(PreTokens& tokens, runtime::StopSignal& stop) const override {
    rewrite(tokens, stop, [&](std::string& out, Range range) {
      const std::string_view text = tokens.of(range);
      const bool wanted = prepend_ == Prepend::always || (prepend_ == Prepend::first && tokens.at_start && range.begin == 0);
      if (wanted && !text.starts_with(blank_) && !text.starts_with(' ')) out += blank_;
      append_replaced(out, text, " ", blank_);
    });
  }

 private:
  std::string blank_;
  Prepend prepend_;
};

using Steps = std::vector<std::unique_ptr<PretokenizeStep>>;

void add_split(Steps& steps, std::string_view pattern, Regex::Source source, Behavior behavior, bool invert = false) {
  steps.push_back(std::make_unique<SplitStep>(TextPattern(Regex(pattern, source)), behavior, invert));
}

void add_split(Steps& steps, const JsonFields& fields) {
  const auto behavior =
      static_cast<Behavior>(fields.choice("behavior", {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"}));
  steps.push_back(std::make_unique<SplitStep>(TextPattern(fields), behavior, fields.flag("invert", false)));
}

// Newer files say prepend_scheme, older ones add_prefix_space.
void add_metaspace(Steps& steps, const JsonFields& fields) {
  const std::string blank = one_character(fields, "replacement");
  using Prepend = BlankStep::Prepend;
  Prepend prepend = fields.flag("add_prefix_space", true) ? Prepend::always : Prepend::never;
  if (fields.has("prepend_scheme")) {
    const auto scheme = static_cast<Prepend>(fields.choice("prepend_scheme", {"never", "first", "always"}));
    if (prepend == Prepend::never && scheme != Prepend::never)
      fields.fail("prepend_scheme", "is " + base::quoted(fields.text("prepend_scheme")) + ", which contradicts add_prefix_space");
    prepend = scheme;
  }
  steps.push_back(std::make_unique<BlankStep>(blank, prepend));
  if (fields.flag("split", true)) {
    steps.push_back(std::make_unique<SplitStep>(TextPattern(blank), Behavior::merged_with_next, false));
  }
}

void add_byte_level(Steps& steps, const JsonFields& fields) {
  if (fields.flag("add_prefix_space", true)) steps.push_back(std::make_unique<BlankStep>(" ", BlankStep::Prepend::always));
  if (fields.flag("use_regex", true)) add_split(steps, kGpt2Words, Regex::Source::known, Behavior::isolated);
  steps.push_back(std::make_unique<SpellStep>());
}

}  // namespace

void PreTokens::set_text(std::string_view whole, bool begins_text) {
  text = whole;
  at_start = begins_text;
  ranges.clear();
  if (!whole.empty()) ranges.push_back({0, static_cast<uint32_t>(whole.size())});
}

PretokenizeSteps::PretokenizeSteps(const base::Json& json) {
  for (const JsonFields& fields : steps_of(JsonFields(json, "tokenizer.json: pre_tokenizer"), "pretokenizers")) {
    enum Type : size_t { kSplit, kByteLevel, kDigits, kMetaspace, kWhitespace, kWhitespaceSplit };
    switch (static_cast<Type>(fields.choice("type", {"Split", "ByteLevel", "Digits", "Metaspace", "Whitespace", "WhitespaceSplit"}))) {
      case kSplit: add_split(steps_, fields); break;
      case kByteLevel:
        add_byte_level(steps_, fields);
        spells_bytes_ = true;
        break;
      case kDigits:
        add_split(steps_, digit_pattern(), Regex::Source::known,
                  fields.flag("individual_digits", false) ? Behavior::isolated : Behavior::contiguous);
        break;
      case kMetaspace: add_metaspace(steps_, fields); break;
      case kWhitespace: add_split(steps_, words_pattern(), Regex::Source::known, Behavior::removed, true); break;
      case kWhitespaceSplit: add_split(steps_, "\\s", Regex::Source::known, Behavior::removed);
    }
  }
}

PretokenizeSteps::PretokenizeSteps(std::span<const SplitRule> splits, bool jit) {
  const auto known = jit ? Regex::Source::known : Regex::Source::known_no_jit;
  for (const auto [kind, pattern] : splits) {
    switch (kind) {
      case SplitRule::digits: add_split(steps_, digit_pattern(), known, Behavior::isolated); break;
      case SplitRule::digit_runs: add_split(steps_, digit_pattern(), known, Behavior::contiguous); break;
      case SplitRule::spell_bytes:
        steps_.push_back(std::make_unique<SpellStep>());
        spells_bytes_ = true;
        break;
      default: {
        // No newlines are left in a text where this is looked for: so it takes time in proportion to the text.
        const std::string_view linear = pattern == "\\s+$" ? "(?<!\\s)\\s++$" : pattern;
        const bool counted = linear == pattern && !is_linear_pattern(pattern);
        add_split(steps_, linear, counted ? Regex::Source::file : known,
                  kind == SplitRule::isolated     ? Behavior::isolated
                  : kind == SplitRule::contiguous ? Behavior::contiguous
                                                  : Behavior::merged_with_next);
      }
    }
  }
}

void PretokenizeSteps::apply(PreTokens& tokens, runtime::StopSignal& stop) const {
  const size_t limit = growth_limit(tokens.text.size());
  for (const auto& step : steps_) {
    step->apply(tokens, stop);
    require_growth(tokens.text.size(), limit, "the pre-tokenizer");
  }
}

}  // namespace rustml::tokenizer
