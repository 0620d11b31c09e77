// A model's template: read once, at its first use, and run for each conversation. Both happen on a thread of its own: what a template
// makes lie inside each other needs more stack than a call may take of its caller's.
#include <exception>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "chat/characters.h"
#include "chat/chat.h"
#include "chat/renderer.h"
#include "chat/template_parser.h"
#include "runtime/thread.h"

namespace rustml::chat {

using base::Status;

namespace {

constexpr size_t kStackBytes = size_t{2} << 20;  // of address space; most of it is never touched
// The largest of the 70 templates that were looked at has 17 kB; the tree of one takes up to 190 bytes for each byte.
constexpr size_t kMostSource = 256 * 1024;

// Runs `work` to its end on a thread with that stack.
template <class Work>
void on_own_stack(const Work& work) {
  std::exception_ptr fault;
  runtime::Thread thread(
      [&] {
        try {
          work();
        } catch (...) {
          fault = std::current_exception();
        }
      },
      kStackBytes);
  thread.join();
  if (fault) std::rethrow_exception(fault);
}

std::vector<Piece> pieces_of(const Text& text) {
  std::vector<Piece> pieces;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    const Origin origin = text.origin(begin);
    while (end < text.size() && text.origin(end) == origin) ++end;
    pieces.push_back({text.bytes().substr(begin, end - begin), origin == Origin::model});
  }
  return pieces;
}

}  // namespace

struct Template::State {
  std::string source;
  std::mutex mutex;
  std::optional<Body> body;  // once it has been read

  const Body& read() {
    const std::lock_guard lock(mutex);
    if (!body) {
      if (source.size() > kMostSource)
        base::fail(Status::resource_exhausted,
                   "chat template: it has " + std::to_string(source.size()) + " bytes; at most 262144 are read");
      body = parse_template(source);
    }
    return *body;
  }
};

Template::Template(std::string source) : state_(std::make_unique<State>()) { state_->source = std::move(source); }
Template::~Template() = default;
Template::Template(Template&&) noexcept = default;

bool Template::none() const noexcept { return without_blanks_behind(state_->source).empty(); }

std::vector<Piece> Template::render(std::string_view messages_json, bool add_generation_prompt, const SpecialTexts& special,
                                    runtime::StopSignal& stop) const {
  if (none()) base::fail(Status::failed_precondition, "chat template: the model's file has none; pass plain text instead of messages");
  std::vector<Piece> pieces;
  on_own_stack([&] {
    const Body& body = state_->read();
    const auto run = [&](const Messages& messages, bool shows_lists) {
      Limits limits;  // beyond what the messages themselves take
      limits.bytes += 32 * messages_json.size();
      limits.steps += messages_json.size() / 4;
      limits.shows_lists = shows_lists;
      Renderer renderer(limits, stop);
      renderer.set("messages", messages.list);
      renderer.set("tools", Value(None{}));
      renderer.set("documents", Value(None{}));
      renderer.set("add_generation_prompt", Value(add_generation_prompt));
      renderer.set("bos_token", Value::of_model(special.bos));
      renderer.set("eos_token", Value::of_model(special.eos));
      pieces = pieces_of(renderer.render(body));
    };
    Messages messages = read_messages(messages_json);
    if (messages.parts) {
      // A template that knows of parts gets them; one that would print the list, or fails on it, gets their text.
      try {
        return run(messages, false);
      } catch (const base::Error& error) {
        if (error.status() != Status::invalid_argument) throw;
      }
      messages = read_messages(messages_json, true);
    }
    run(messages, true);
  });
  return pieces;
}

}  // namespace rustml::chat
