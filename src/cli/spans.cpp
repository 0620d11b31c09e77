#include "cli/spans.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "cli/terminal.h"
#include "cli/trace.h"

namespace rustml::cli {
namespace {

// What follows "key": in the record; empty: nothing does.
std::string_view after(std::string_view record, const char* key) {
  const size_t at = record.find(key);
  return at == std::string_view::npos ? std::string_view() : record.substr(at + std::string_view(key).size());
}

template <class T>
bool number(std::string_view record, const char* key, T& value) {
  const std::string_view text = after(record, key);
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

bool holds_stages(std::string_view name) { return name == "Layers" || name == "attn"; }

constexpr std::string_view kStages[] = {"Embedding", "QKV", "QKnorm+RoPE+store", "QK^T+softmax+A*V", "out", "ffn", "Norm", "Projection"};

int32_t set_log(const char* filter, const rustml_callback* callback) {
  rustml_log_options options = initial(rustml_log_options_init);
  options.filter = text_of(filter);
  options.callback = callback;
  return rustml_log_set(&options, nullptr);
}

}  // namespace

bool parse_span(std::string_view record, Span& span) {
  const std::string_view name = after(record, "\"name\":\"");
  span.name = std::string(name.substr(0, name.find('"')));
  return !span.name.empty() && number(record, "\"ts\":", span.begin_us) && number(record, "\"dur\":", span.us) &&
         number(record, "\"bytes\":", span.bytes) && number(record, "\"flops\":", span.flops);
}

SpanCollector::SpanCollector()
    : listener_([this](const rustml_event& event) {
        Span span;
        if (event.component != kTraceComponent)
          show_log(event);
        else if (parse_span({event.text, event.text_len}, span))
          spans_.push_back(std::move(span));
      }) {
  const int32_t status = set_log("warn,rustml::trace=trace", listener_.callback());
  if (status != RUSTML_OK) throw Failure(status, "the log cannot be set");
}

SpanCollector::~SpanCollector() { set_log("off", nullptr); }

std::vector<Span> SpanCollector::take() { return std::exchange(spans_, {}); }

double Stage::total_us() const { return std::accumulate(us.begin(), us.end(), 0.0); }

const Stage* StageTable::find(std::string_view name) const {
  for (const Stage& stage : stages)
    if (stage.name == name) return &stage;
  return nullptr;
}

StageTable stages_of(const std::vector<Span>& spans) {
  StageTable table;
  size_t stage = 0;  // index of the one that began last, plus 1
  for (const Span& span : spans) {
    if (span.name == "model::forward") {
      ++table.passes;
      table.total_us += span.us;
      stage = 0;
      continue;
    }
    if (span.name.rfind("transformer[", 0) == 0) {
      table.layer_us.push_back(span.us);
      continue;
    }
    if (holds_stages(span.name)) continue;
    const bool outer = std::find(std::begin(kStages), std::end(kStages), span.name) != std::end(kStages);
    const auto same = [&](const Stage& s) { return s.name == span.name && s.depth == (outer ? 0 : 1); };
    auto found = std::find_if(table.stages.begin(), table.stages.end(), same);
    if (found == table.stages.end()) {
      // A product goes behind the others of its stage.
      size_t at = outer ? table.stages.size() : stage;
      while (!outer && at < table.stages.size() && table.stages[at].depth == 1) ++at;
      found = table.stages.insert(table.stages.begin() + static_cast<std::ptrdiff_t>(at), Stage{span.name, outer ? 0 : 1, {}, 0, 0});
    }
    if (outer) stage = static_cast<size_t>(found - table.stages.begin()) + 1;
    found->us.push_back(span.us);
    found->bytes += span.bytes;
    found->flops += span.flops;
    table.bytes += span.bytes;
    if (!outer && stage > 0) {
      table.stages[stage - 1].bytes += span.bytes;
      table.stages[stage - 1].flops += span.flops;
    }
  }
  table.layers = table.passes > 0 ? table.layer_us.size() / table.passes : 0;
  return table;
}

}  // namespace rustml::cli
