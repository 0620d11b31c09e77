// The tokenizer of a model that comes without one: ids work, text does not.
#include "base/error.h"
#include "tokenizer/tokenizer.h"

namespace rustml::tokenizer {

namespace {

class NoTokenizer final : public Tokenizer {
 public:
  explicit NoTokenizer(int32_t size) : size_(size) {}
  Encoding encode(std::string_view, const EncodeOptions&, runtime::StopSignal&) const override { refuse(); }
  Encoding encode_spans(const std::vector<Span>&, const EncodeOptions&, runtime::StopSignal&) const override { refuse(); }
  std::string decode(const int32_t*, size_t, bool) const override { refuse(); }
  int32_t size() const override { return size_; }
  const std::vector<int32_t>& stop_ids() const override { return none_; }
  const std::string& kind() const override { return kind_; }
  bool exists() const override { return false; }

 private:
  [[noreturn]] static void refuse() {
    base::fail(
        base::Status::failed_precondition,
        "text: this model came without a tokenizer (no tokenizer.json); pass token ids, or put the model's tokenizer.json beside it");
  }
  const int32_t size_;
  const std::vector<int32_t> none_;
  const std::string kind_ = "none";
};

}  // namespace

std::unique_ptr<Tokenizer> no_tokenizer(int32_t size) { return std::make_unique<NoTokenizer>(size); }

}  // namespace rustml::tokenizer
