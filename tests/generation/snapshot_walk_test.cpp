// Two sessions live the same life, chosen at random. One is never disturbed: it says what is right. The other is, between any two
// steps, written to a snapshot and goes on from that in some session. Everything that can be seen must stay the same.
#include <algorithm>
#include <array>
#include <cfloat>
#include <map>

#include "../exhaustive.h"
#include "generation/beam_search.h"
#include "snapshot_bytes.h"
#include "tiny.h"

namespace rustml::generation {
namespace {

class Random {
 public:
  explicit Random(uint32_t seed) : x_(seed) {}
  uint32_t below(uint64_t n) { return static_cast<uint32_t>(((x_ = x_ * 1664525u + 1013904223u) >> 8) % n); }
  bool one_in(uint32_t n) { return below(n) == 0; }

 private:
  uint32_t x_;
};

struct Life {
  std::shared_ptr<Session> session;
  std::shared_ptr<Generation> generation;  // open, or null
  std::shared_ptr<runtime::CancelFlag> flag = std::make_shared<runtime::CancelFlag>();
};

// All that an event shows.
std::string text_of(const Event& e) {
  std::string out = std::to_string(static_cast<int>(e.kind)) + " id " + std::to_string(e.token_id) + " at " + std::to_string(e.position) +
                    " bytes " + std::string(e.bytes) + " text " + std::string(e.text) + " finish " +
                    std::to_string(static_cast<int>(e.finish)) + " " + std::to_string(e.done) + "/" + std::to_string(e.total);
  for (uint32_t i = 0; i < e.n_top; ++i) out += " " + std::to_string(e.top[i].id) + ":" + std::to_string(e.top[i].logprob);
  return out + "\n";
}

class Walk {
 public:
  Walk(const char* model, uint64_t first_tokens, uint32_t longest_prompt, uint32_t seed) : random_(seed), longest_prompt_(longest_prompt) {
    ModelOptions options;
    options.n_threads = 1;  // thousands of small passes, which a busy machine would make slow by their barriers
    for (int i = 0; i < 2; ++i) engines_.push_back(open_tiny(model, options));
    vocab_ = static_cast<int32_t>(engines_[0]->info().vocab_size);
    session_options_.prefill_chunk = 32;
    session_options_.kv_type = std::array{kernels::KvType::f32, kernels::KvType::f16, kernels::KvType::q8_0}[random_.below(3)];
    for (Life* life : {&calm_, &moved_}) life->session = new_session(engines_[0], session_options_);
    if (first_tokens > 0) {
      const std::vector<int32_t> ids = fresh_ids(first_tokens);
      both([&](Life& life) {
        eval(*life.session, ids);
        return std::string();
      });
    }
  }

  void run(int n_steps) {
    for (int i = 0; i < n_steps && !testing::Test::HasFailure(); ++i) {
      step();
      if (random_.one_in(2)) move();
    }
  }

  // How often the session was moved while in this state.
  static std::map<std::string, int>& moves() {
    static std::map<std::string, int> counts;
    return counts;
  }

 private:
  std::vector<int32_t> fresh_ids(size_t n) {
    std::vector<int32_t> ids(n);
    for (int32_t& id : ids) id = static_cast<int32_t>(random_.below(static_cast<uint32_t>(vocab_)));
    return ids;
  }

  template <class Act>
  void both(Act act) {
    const std::string want = outcome(calm_, act), got = outcome(moved_, act);
    last_ = want;
    ASSERT_EQ(got, want) << history_;
    ASSERT_EQ(moved_.session->tokens(), calm_.session->tokens()) << history_;
    ASSERT_EQ(moved_.session->info().rewind_floor, calm_.session->info().rewind_floor) << history_;
    ASSERT_EQ(moved_.generation == nullptr, calm_.generation == nullptr) << history_;
  }

  template <class Act>
  std::string outcome(Life& life, Act act) {
    std::string out;
    const base::Status status = status_of([&] { out = act(life); });
    if (life.generation && !life.session->info().generation_open) life.generation = nullptr;
    return out + " status " + std::to_string(static_cast<int>(status));
  }

  void note(const std::string& what) { history_ += what + " (" + std::to_string(calm_.session->tokens().size()) + ")\n"; }

  void step() {
    if (calm_.generation)
      in_generation();
    else
      between_generations();
  }

  void in_generation() {
    const uint32_t choice = random_.below(20);
    if (choice < 15) {
      note("next");
      both([&](Life& life) {
        Event e;
        const base::Status status = life.generation->next(e);
        if (&life == &calm_) held_bytes_ += e.bytes.size() - e.text.size();
        return std::to_string(static_cast<int>(status)) + text_of(e);
      });
      if (calm_.generation) phase_ = calm_.session->tokens().size() > prompt_tokens_ ? "answer" : "prefill";
    } else if (choice < 16) {
      note("stop");
      both([](Life& life) {
        life.generation->stop();
        return std::string();
      });
    } else if (choice < 17) {
      note("cancel");
      both([](Life& life) {
        Event e;
        life.flag->trigger(3);
        life.generation->next(e);
        return text_of(e);
      });
    } else {
      both_logits();
    }
    if (!calm_.generation) phase_ = last_.ends_with(" status 0") ? "ended" : last_.ends_with(" status 3") ? "failed" : "stopped";
  }

  void between_generations() {
    const uint64_t n = calm_.session->tokens().size(), floor = calm_.session->info().rewind_floor;
    switch (random_.below(14)) {
      case 0: {
        note("eval");
        const std::vector<int32_t> ids = fresh_ids(1 + random_.below(90));
        both([&](Life& life) {
          eval(*life.session, ids);
          return std::string();
        });
        phase_ = "evaluated";
        break;
      }
      case 1:
        note("eval cancelled");
        cancelled_evals_on(&calm_, &moved_);
        phase_ = "after an error";
        break;
      case 2: {
        const uint64_t to = random_.one_in(6) || n < floor ? 0 : floor + random_.below(n - floor + 1);
        note("rewind to " + std::to_string(to));
        both([&](Life& life) {
          life.session->rewind(to);
          return std::string();
        });
        phase_ = to == 0 ? "fresh" : "rewound";
        break;
      }
      case 3: both_logits(); break;
      case 4: beams(); break;
      case 5:
        note("fork");
        both([](Life& life) {
          runtime::StopSignal stop;
          runtime::Call call{stop, {}};
          life.session = life.session->fork(call);
          return std::string();
        });
        phase_ = "forked";
        break;
      default: start();
    }
  }

  void both_logits() {
    note("logits");
    both([](Life& life) {
      const std::vector<float>& logits = life.session->logits();
      return std::string(reinterpret_cast<const char*>(logits.data()), logits.size() * sizeof(float));
    });
  }

  void cancelled_evals_on(Life* a, Life* b) {
    const std::vector<int32_t> ids = fresh_ids(80);
    for (Life* life : {a, b}) {
      if (!life) continue;
      runtime::CancelFlag flag;
      runtime::StopSignal stop(&flag);
      runtime::Call call{stop, [&](uint64_t, uint64_t) { flag.trigger(1); }};
      EXPECT_EQ(status_of([&] { life->session->eval(ids.data(), ids.size(), call); }), base::Status::cancelled);
    }
  }

  void beams() {
    note("beams");
    const std::vector<int32_t> prompt = some_prompt();
    BeamOptions options;
    options.width = options.n_best = 3;
    options.max_tokens = 3;
    options.rollback = random_.one_in(2);
    both([&](Life& life) {
      BeamOutcome found;
      beam_search(*life.session, of_ids(prompt), options, {}, {}, found);
      std::string out;
      for (const Hypothesis& h : found.hypotheses) out += h.text + " " + std::to_string(h.logprob) + "\n";
      return out;
    });
    phase_ = "after beams";
  }

  std::vector<int32_t> some_prompt() {
    std::vector<int32_t> prompt = calm_.session->tokens();
    const std::vector<int32_t> more = fresh_ids(1 + random_.below(longest_prompt_));
    const uint32_t kind = prompt.empty() ? 4 : random_.below(5);
    kind_ = std::array{"extending", "equal", "shorter", "parting", "other"}[kind];
    if (kind == 4) prompt.clear();
    if (kind == 2 || kind == 3) prompt.resize(1 + random_.below(prompt.size()));
    if (kind != 1 && kind != 2) prompt.insert(prompt.end(), more.begin(), more.end());
    return prompt;
  }

  void start() {
    const std::vector<int32_t> prompt = some_prompt();
    GenerationOptions o;
    o.max_tokens = 2 + random_.below(14);
    o.ignore_eos = true;
    o.rollback = random_.one_in(2);
    o.prefill_events = random_.one_in(2);
    o.sampling.temperature = random_.one_in(3) ? 0.0f : 1.5f;
    o.sampling.seed = random_.below(1000);
    o.sampling.repetition_penalty = 1.2f;
    o.sampling.logprobs = random_.below(3);
    o.stop_strings = {"a\x7f", "e\x7f", "t\x7f", " \x7f", "o\x7f", "s\x7f"};  // hold common letters back
    const bool fails = random_.one_in(8);  // with the first token: the only one that is allowed underflows when it is penalized
    if (fails)
      for (int32_t id = 0; id < vocab_; ++id) o.sampling.logit_bias.push_back({id, id == prompt[0] ? -FLT_MAX : -INFINITY});
    Limits limits;
    limits.prompt_lookup = random_.one_in(2) ? 4 : 0;
    limits.stall_timeout_ns = random_.one_in(10) ? 1 : 0;
    note(std::string("start ") + kind_ + " " + std::to_string(prompt.size()) + (o.rollback ? " rollback" : " keep") +
         (fails ? " to fail" : "") + (limits.stall_timeout_ns ? " to stall" : ""));
    limits_ = limits;
    both([&](Life& life) {
      life.flag = std::make_shared<runtime::CancelFlag>();
      Limits own = limits;
      own.cancel = life.flag.get();
      life.generation = life.session->start(of_ids(prompt), o, own);
      return std::string();
    });
    prompt_tokens_ = prompt.size();
    phase_ = "started";
    held_bytes_ = 0;
    on_stop_ = o.rollback ? "rollback" : "keep";
  }

  // The moved session goes on from a snapshot of itself.
  void move() {
    ++moves()[calm_.generation ? phase_ + " " + kind_ + " " + on_stop_ : phase_];
    const bool open = calm_.generation != nullptr, answers = open && phase_ == "answer";
    moves()["window passed"] += calm_.session->info().rewind_floor > 0 ? 1 : 0;
    moves()["text held back"] += answers && held_bytes_ != 0 ? 1 : 0;
    moves()["prompt lookup"] += answers && limits_.prompt_lookup > 0 ? 1 : 0;
    std::vector<std::byte> bytes = snapshot_of(*moved_.session);
    too_small_for(bytes);
    std::shared_ptr<Session> target = moved_.session;
    switch (random_.below(3)) {
      case 0:
        note("move into itself");
        moved_.generation = nullptr;
        break;
      case 1:
        note("move into a new session");
        target = new_session(engines_[0], session_options_);
        break;
      default:
        note("move into another model");
        target = new_session(engines_[1], session_options_);
        eval(*target, fresh_ids(5));
    }
    EXPECT_EQ(restore_from(*target, bytes).generation_open, open) << history_;
    if (random_.one_in(3)) {
      note("and once more");
      bytes = snapshot_of(*target);
      EXPECT_EQ(restore_from(*target, bytes).generation_open, open) << history_;
    }
    moved_ = {target, nullptr};
    if (random_.one_in(4)) cancelled_evals_on(&moved_, nullptr);
    if (!open) return;
    if (random_.one_in(5)) {  // it is never resumed; the calm one has the same tokens and no generation
      note("and not resumed");
      runtime::StopSignal stop;
      runtime::Call call{stop, {}};
      calm_ = {calm_.session->fork(call), nullptr};
      both([](Life& life) {
        life.session->rewind(life.session->tokens().size());
        return std::string();
      });
      phase_ = "restored";
      return;
    }
    Limits limits = limits_;
    limits.cancel = moved_.flag.get();
    moved_.generation = target->resume(limits);
  }

  // A session with one token less than it takes names both numbers.
  void too_small_for(const std::vector<std::byte>& bytes) {
    SessionOptions options = session_options_;
    options.context_tokens = std::max<uint64_t>(calm_.session->tokens().size(), calm_.generation ? prompt_tokens_ : 0);
    if (options.context_tokens < 2) return;
    --options.context_tokens;
    const auto small = new_session(engines_[0], options);
    try {
      restore_from(*small, bytes);
      ADD_FAILURE() << "restored into too small a session\n" << history_;
    } catch (const base::Error& e) {
      EXPECT_EQ(e.status(), base::Status::out_of_range) << e.message() << history_;
      EXPECT_NE(e.message().find("context of " + std::to_string(options.context_tokens)), std::string::npos) << e.message();
    }
    EXPECT_EQ(small->info().position, 0u);
  }

  Random random_;
  const uint32_t longest_prompt_;
  std::vector<std::shared_ptr<Engine>> engines_;
  int32_t vocab_ = 0;
  SessionOptions session_options_;
  Life calm_, moved_;
  Limits limits_;
  std::string history_, last_, phase_ = "fresh", kind_, on_stop_;
  uint64_t prompt_tokens_ = 0, held_bytes_ = 0;
};

TEST(SnapshotWalk, NothingShowsThatASessionWasMoved) {
  Walk::moves().clear();
  for (uint32_t seed = 1; seed <= rustml::test::times(30) && !HasFailure(); ++seed) Walk("base_q8_0", 0, 90, seed).run(80);
  for (uint32_t seed = 1; seed <= rustml::test::times(10) && !HasFailure(); ++seed)
    Walk("architectures/gemma3", 1290 + 60 * ((seed - 1) % 10 + 1), 400, seed).run(40);
  if (HasFailure()) return;
  for (const char* phase : {"started", "prefill", "answer"})
    for (const char* kind : {"extending", "equal", "shorter", "parting", "other"})
      for (const char* on_stop : {"keep", "rollback"}) {
        if (phase == std::string("prefill") && kind == std::string("shorter")) continue;  // nothing to evaluate, but past a window
        const std::string state = std::string(phase) + " " + kind + " " + on_stop;
        EXPECT_GT(Walk::moves()[state], 0) << state;
      }
  for (const char* state : {"fresh", "evaluated", "rewound", "after an error", "after beams", "forked", "ended", "restored", "failed",
                            "window passed", "text held back", "prompt lookup"})
    EXPECT_GT(Walk::moves()[state], 0) << state;
  int all = 0;
  for (const auto& [state, n] : Walk::moves())
    all += state == "window passed" || state == "text held back" || state == "prompt lookup" ? 0 : n;
  std::printf("snapshot walk: %d moves in %zu states\n", all, Walk::moves().size());
}

}  // namespace
}  // namespace rustml::generation
