#include "fake_engine.h"

#include <cstring>
#include <string>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "generation/batch.h"
#include "generation/beam_search.h"
#include "generation/generation.h"
#include "generation/gguf_file.h"

namespace rustml::fake {

std::function<void()> on_work;
std::atomic<int> n_engines{0}, n_sessions{0}, n_generations{0};

namespace {

using base::fail;
using base::Status;
using namespace generation;

void work() {
  if (on_work) on_work();
}

struct Counted {
  explicit Counted(std::atomic<int>& n) : n_(n) { ++n_; }
  ~Counted() { --n_; }
  std::atomic<int>& n_;
};

class FakeTokenizer final : public tokenizer::Tokenizer {
 public:
  tokenizer::Encoding encode(std::string_view text, const tokenizer::EncodeOptions& options, runtime::StopSignal& stop) const override {
    stop.check("encode");
    tokenizer::Encoding out;
    if (options.add_special) out.ids.push_back(kBos);
    for (const unsigned char c : text) out.ids.push_back(c);
    return out;
  }
  tokenizer::Encoding encode_spans(const std::vector<tokenizer::Span>&, const tokenizer::EncodeOptions&,
                                   runtime::StopSignal&) const override {
    return {};
  }
  std::string_view token_bytes(int32_t id) const override {
    return id < 256 ? std::string_view(&bytes_[static_cast<size_t>(id)], 1) : id == kBos ? "<s>" : "</s>";
  }
  uint32_t token_flags(int32_t id) const override {
    return id < 256 ? tokenizer::kByte : tokenizer::kSpecial | (id == kEos ? tokenizer::kStop : 0u);
  }
  float token_score(int32_t) const override { return 0; }
  std::string decode(const int32_t* ids, size_t n, bool skip_special) const override {
    std::string out;
    for (size_t i = 0; i < n; ++i)
      if (ids[i] < 256 || !skip_special) out += token_bytes(ids[i]);
    return out;
  }
  int32_t size() const override { return kVocabulary; }
  int32_t bos_id() const override { return kBos; }
  int32_t eos_id() const override { return kEos; }
  bool adds_bos() const override { return true; }
  const std::vector<int32_t>& stop_ids() const override { return stop_; }
  uint64_t fingerprint_low() const override { return 1; }
  uint64_t fingerprint_high() const override { return 2; }
  const std::string& kind() const override { return kind_; }

 private:
  std::string bytes_ = [] {
    std::string all(256, 0);
    for (int i = 0; i < 256; ++i) all[static_cast<size_t>(i)] = static_cast<char>(i);
    return all;
  }();
  std::vector<int32_t> stop_{kEos};
  std::string kind_ = "bytes";
};

class FakeEngine final : public Engine {
 public:
  ModelInfo info() const override {
    ModelInfo info{};
    info.n_threads = 1;
    info.vocab_size = kVocabulary;
    info.context_length = 4096;
    info.bos_id = kBos;
    info.eos_id = kEos;
    info.n_sessions = static_cast<uint32_t>(n_sessions.load());
    info.architecture = "fake";
    info.name = "fake model";
    info.simd_target = "scalar";
    return info;
  }
  std::string describe_json() const override { return "{\"architecture\":\"fake\"}"; }
  const tokenizer::Tokenizer& tokenizer() const override { return tokenizer_; }
  std::string chat_format(std::string_view messages_json, bool add) const override {
    return std::string(messages_json) + (add ? "assistant:" : "");
  }

 private:
  Counted counted_{n_engines};
  FakeTokenizer tokenizer_;
};

class FakeSession final : public Session {
 public:
  FakeSession(std::shared_ptr<Engine> engine, const SessionOptions& options) : engine_(std::move(engine)), options_(options) {}
  std::shared_ptr<Session> fork(runtime::Call&) override {
    auto copy = std::make_shared<FakeSession>(engine_, options_);
    copy->tokens_ = tokens_;
    return copy;
  }
  SessionInfo info() const noexcept override { return {false, open_, tokens_.size(), 4096, 0, 0, 0, options_.kv_type}; }
  const std::vector<int32_t>& tokens() const override { return tokens_; }
  void require_closed() const {
    if (open_) fail(Status::failed_precondition, "session has an open generation; stop or release it first");
  }
  void reset() override {
    require_closed();
    tokens_.clear();
  }
  void rewind(uint64_t n) override {
    require_closed();
    if (n > tokens_.size()) fail(Status::out_of_range, "rewind beyond the position");
    tokens_.resize(n);
  }
  void eval(const int32_t* ids, uint64_t n, runtime::Call& call) override {
    require_closed();
    for (uint64_t i = 0; i < n; ++i) {
      if (ids[i] < 0 || ids[i] >= kVocabulary) fail(Status::invalid_argument, "ids[" + std::to_string(i) + "] is out of range");
      work();
      call.stop.check("eval");
      if (call.progress) call.progress(i + 1, n);
    }
    tokens_.insert(tokens_.end(), ids, ids + n);
  }
  int32_t next_token() const { return static_cast<int32_t>('a' + base::hash64(tokens_.data(), tokens_.size() * sizeof(int32_t)) % 26); }
  const std::vector<float>& logits(runtime::Call*) override {
    if (tokens_.empty()) fail(Status::failed_precondition, "session is empty");
    logits_.assign(kVocabulary, 0);
    logits_[static_cast<size_t>(next_token())] = 10;
    return logits_;
  }
  uint64_t snapshot_size() const override { return 16 + tokens_.size() * sizeof(int32_t); }
  void snapshot_write(const Write& write, runtime::Call& call) const override {
    work();
    call.stop.check("snapshot");
    const uint64_t n = tokens_.size();
    write("FAKESNAP", 8);
    write(&n, 8);
    write(tokens_.data(), n * sizeof(int32_t));
    if (call.progress) call.progress(n, n);
  }
  RestoreInfo restore(base::FileReader& source, runtime::Call& call) override {
    require_closed();
    work();
    call.stop.check("restore");
    const auto read = read_snapshot(source);
    tokens_ = read;
    return {false, tokens_.size(), tokens_.size(), 0};
  }
  static std::vector<int32_t> read_snapshot(base::FileReader& source) {
    char magic[8];
    uint64_t n = 0;
    source.read_at(0, magic, 8);
    source.read_at(8, &n, 8);
    if (std::memcmp(magic, "FAKESNAP", 8) != 0 || n > 4096 || source.size() != 16 + n * sizeof(int32_t))
      fail(Status::data_loss, "snapshot is damaged");
    std::vector<int32_t> ids(n);
    source.read_at(16, ids.data(), n * sizeof(int32_t));
    return ids;
  }
  std::shared_ptr<Generation> start(const Prompt& prompt, const GenerationOptions& options, const Limits& limits) override;
  std::shared_ptr<Generation> resume(const Limits&) override { fail(Status::failed_precondition, "session carries no generation"); }

  std::shared_ptr<Engine> engine_;
  SessionOptions options_;
  std::vector<int32_t> tokens_;
  std::vector<float> logits_;
  bool open_ = false;
  Counted counted_{n_sessions};
};

class FakeGeneration final : public Generation {
 public:
  FakeGeneration(std::shared_ptr<FakeSession> session, std::vector<int32_t> prompt, const GenerationOptions& options, const Limits& limits)
      : session_(std::move(session)),
        prompt_(std::move(prompt)),
        options_(options),
        stop_(limits.cancel, limits.deadline_ns),
        before_(session_->tokens_.size()) {
    session_->open_ = true;
  }
  ~FakeGeneration() override { stop(); }
  Status next(Event& event) override {
    if (failure_) std::rethrow_exception(failure_);
    if (!session_->open_ || ended_) return Status::done;
    try {
      return step(event);
    } catch (...) {
      end(Finish::error, Status::internal);
      failure_ = std::current_exception();
      throw;
    }
  }
  void stop() noexcept override {
    if (!ended_) end(Finish::closed, Status::ok);
  }
  void stopped_by_callback(int32_t value) noexcept override {
    result_.callback_value = value;
    if (!ended_) end(Finish::callback, Status::callback_stop);
  }
  Result result() const override { return result_; }

 private:
  Status step(Event& event) {
    work();
    if (stop_.poll()) stop_.raise("generation");
    if (!prompt_.empty()) session_->tokens_ = std::exchange(prompt_, {});
    event = Event();
    if (options_.max_tokens > 0 && result_.generated_tokens == options_.max_tokens) {
      event.kind = EventKind::stopped;
      event.finish = Finish::length;
      end(Finish::length, Status::ok);
      return Status::ok;
    }
    event.token_id = session_->next_token();
    event.position = session_->tokens_.size();
    session_->tokens_.push_back(event.token_id);
    text_ = static_cast<char>(event.token_id);
    event.bytes = event.text = text_;
    if (options_.sampling.logprobs > 0) {
      top_ = {event.token_id, -0.5f};
      event.top = &top_;
      event.n_top = 1;
      event.logprob = -0.5f;
    }
    ++result_.generated_tokens;
    return Status::ok;
  }
  void end(Finish finish, Status status) noexcept {
    ended_ = true;
    if (options_.rollback) session_->tokens_.resize(std::min(before_, session_->tokens_.size()));
    session_->open_ = false;
    result_.finish = finish;
    result_.status = status;
    result_.tokens_committed = session_->tokens_.size();
  }
  std::shared_ptr<FakeSession> session_;
  std::vector<int32_t> prompt_;
  GenerationOptions options_;
  runtime::StopSignal stop_;
  size_t before_;
  Result result_;
  TokenLogprob top_{};
  std::string text_;
  std::exception_ptr failure_;
  bool ended_ = false;
  Counted counted_{n_generations};
};

std::shared_ptr<Generation> FakeSession::start(const Prompt& prompt, const GenerationOptions& options, const Limits& limits) {
  require_closed();
  std::vector<int32_t> ids = prompt.ids;
  for (const unsigned char c : prompt.text) ids.push_back(c);
  if (ids.empty()) fail(Status::invalid_argument, "prompt is empty");
  return std::make_shared<FakeGeneration>(std::static_pointer_cast<FakeSession>(shared_from_this()), std::move(ids), options, limits);
}

}  // namespace
}  // namespace rustml::fake

namespace rustml::formats {

ModelFile open(std::unique_ptr<base::FileReader> reader, runtime::Call&) {
  ModelFile file;
  file.readers.push_back(std::move(reader));
  return file;
}
ModelFile open_path(const std::string& path, runtime::Call& call) { return open(base::open_file(path), call); }
void ModelFile::require_unchanged(runtime::Call&) const {}

}  // namespace rustml::formats

namespace rustml::generation {

std::shared_ptr<Engine> Engine::open(formats::ModelFile file, const ModelOptions&, runtime::Call& call) {
  base::FileReader& reader = *file.readers.front();
  char magic[4];
  reader.read_at(0, magic, 4);
  if (std::memcmp(magic, "FAKE", 4) != 0) base::fail(base::Status::data_loss, "file is no fake model");
  if (call.progress) call.progress(reader.size(), reader.size());
  base::log(base::LogLevel::info, "rustml::load", "fake model\nopened");
  return std::make_shared<fake::FakeEngine>();
}

MemoryPlan Engine::plan(const formats::ModelFile& file, const ModelOptions&, const SessionOptions&) {
  return {file.readers.front()->size(), 1, 2, 3, 6, 4096};
}

void write_gguf(const formats::ModelFile&, tensor::DType, const Session::Write& write, runtime::Call&) { write("GGUF", 4); }

std::shared_ptr<Session> Session::create(std::shared_ptr<Engine> engine, const SessionOptions& options, runtime::Call&) {
  return std::make_shared<fake::FakeSession>(std::move(engine), options);
}

void beam_search(Session&, const Prompt&, const BeamOptions&, const Limits&, const BeamProgress&, BeamOutcome&) {
  base::fail(base::Status::unimplemented, "the fake engine searches nothing");
}

void generate_batch(const std::shared_ptr<Engine>&, const SessionOptions&, std::span<const BatchItem>, const BatchCallbacks&,
                    std::vector<Result>&) {
  base::fail(base::Status::unimplemented, "the fake engine has no batches");
}

SnapshotInfo snapshot_probe(base::FileReader& source) {
  const auto ids = fake::FakeSession::read_snapshot(source);
  return {1, source.size(), ids.size(), 1, 2, kernels::KvType::f16, false};
}

}  // namespace rustml::generation
