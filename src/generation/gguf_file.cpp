#include "generation/gguf_file.h"

#include <algorithm>

#include "models/gguf_export.h"
#include "runtime/jobs.h"
#include "runtime/processors.h"
#include "tokenizer/gguf_export.h"

namespace rustml::generation {

void write_gguf(const formats::ModelFile& file, tensor::DType type, const std::function<void(const void* data, uint64_t n)>& write,
                runtime::Call& call) {
  call.stop.check("quantize");
  models::Export plan = models::plan_export(file, type);
  if (file.format == formats::Format::safetensors) tokenizer::export_gguf(file, plan.vocab, plan.metadata, call);
  std::vector<formats::GgufTensor> heads;
  uint64_t total = 0, done = 0;
  for (const models::ExportTensor& t : plan.tensors) {
    heads.push_back(t.to);
    total += t.to.bytes() + formats::gguf_padding(t.to.bytes());
  }
  const std::string head = formats::gguf_head(plan.metadata, heads);
  write(head.data(), head.size());
  // Some bands at a time are made by all threads, then written in order.
  constexpr size_t kBatch = 16;
  struct Band {
    const models::ExportTensor* tensor;
    int64_t index;
    bool last;
  };
  std::vector<Band> bands;
  for (const models::ExportTensor& t : plan.tensors)
    for (int64_t i = 0, n = models::n_bands(t); i < n; ++i) bands.push_back({&t, i, i + 1 == n});
  const auto team = runtime::ThreadTeam::lease();
  const int n_threads = std::min(runtime::usable_cores(), runtime::kMaxThreads);
  constexpr char kZeros[formats::kGgufAlignment] = {};
  for (size_t begin = 0; begin < bands.size(); begin += kBatch) {
    std::vector<std::byte> bytes[kBatch];
    const size_t n = std::min(kBatch, bands.size() - begin);
    runtime::run_jobs(*team, n_threads, static_cast<int64_t>(n), call.stop, "quantize", [&](int64_t i) {
      const Band& band = bands[begin + static_cast<size_t>(i)];
      bytes[i] = models::make_band(file, *band.tensor, band.index);
    });
    for (size_t i = 0; i < n; ++i) {
      const Band& band = bands[begin + i];
      const uint64_t zeros = band.last ? formats::gguf_padding(band.tensor->to.bytes()) : 0;
      write(bytes[i].data(), bytes[i].size());
      write(kZeros, zeros);
      done += bytes[i].size() + zeros;
    }
    if (call.progress) call.progress(done, total);
  }
}

}  // namespace rustml::generation
