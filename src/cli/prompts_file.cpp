#include "cli/prompts_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/number_text.h"
#include "cli/events.h"
#include "cli/load.h"
#include "cli/system.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

constexpr size_t kPortion = 1024;  // prompts of one call

struct Line {
  BatchAnswer answer;
  bool ended = false;
};

struct Printer {
  size_t first;  // index of lines[0]
  std::vector<Line> lines;
  size_t printed = 0;

  void take(const rustml_event& event) {
    Line& line = lines[event.sequence];
    if (event.kind == RUSTML_EVENT_LOG) {
      line.answer.error.assign(event.text, event.text_len);
      return;
    }
    line.answer.text.append(event.text, event.text_len);
    if (event.kind == RUSTML_EVENT_TOKEN) ++line.answer.generated_tokens;
    if (event.kind != RUSTML_EVENT_STOPPED) return;
    line.answer.finish = event.finish;
    line.answer.stop_id = event.token_id;
    line.ended = true;
    for (; printed < lines.size() && lines[printed].ended; ++printed)
      write_answer(result_event(first + printed, lines[printed].answer) + "\n");
  }
};

}  // namespace

std::vector<std::string> read_prompts(const std::string& path) {
  const std::unique_ptr<std::FILE, Release<std::fclose>> file(path == "-" ? nullptr : open_file(path, "rb"));
  if (path != "-" && !file) throw Failure(status_of_open(errno), "--prompts-file " + path + ": " + std::strerror(errno));
  const std::string text = file ? read_all(file.get(), "--prompts-file " + path + ": could not be read") : prompt_text(path);
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    if (!lines.back().empty() && lines.back().back() == '\r') lines.back().pop_back();
    at = end + 1;
  }
  return lines;
}

int32_t answer_prompts(rustml_model* model, const SessionArguments& session, const std::vector<std::string>& lines,
                       const MakePrompt& prompt, const rustml_generation_options& options, bool quiet) {
  const rustml_session_options session_options = options_of(session);
  const double begin = now_seconds();
  int32_t first_failure = RUSTML_OK;
  uint64_t n_tokens = 0, n_failed = 0;
  for (size_t at = 0; at < lines.size(); at += kPortion) {
    const size_t n = std::min(kPortion, lines.size() - at);
    std::vector<std::string> texts(n);
    std::vector<rustml_prompt> prompts;
    for (size_t i = 0; i < n; ++i) prompts.push_back(prompt(lines[at + i], texts[i]));
    const std::vector<const rustml_generation_options*> all(n, &options);
    rustml_result blank{};
    blank.struct_size = sizeof blank;
    std::vector<rustml_result> results(n, blank);
    Printer printer{at, std::vector<Line>(n)};
    const Listener listener([&](const rustml_event& event) { printer.take(event); });
    rustml_error* error = nullptr;
    const int32_t status =
        rustml_generate_batch(model, &session_options, prompts.data(), all.data(), n, listener.callback(), results.data(), &error);
    if (status != RUSTML_OK) {
      const Failure failure = take_failure(status, error);
      listener.rethrow();
      throw failure;
    }
    for (const rustml_result& result : results) {
      n_tokens += result.generated_tokens;
      n_failed += result.status != RUSTML_OK ? 1 : 0;
      if (first_failure == RUSTML_OK) first_failure = result.status;
    }
  }
  if (!quiet) {
    const std::string seconds = base::fixed(now_seconds() - begin, 3) + " s";
    report(std::to_string(lines.size() - n_failed) + " of " + std::to_string(lines.size()) + " prompts answered, " +
           std::to_string(n_tokens) + " tokens in " + seconds);
  }
  return first_failure;
}

}  // namespace rustml::cli
