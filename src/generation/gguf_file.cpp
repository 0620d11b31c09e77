#include "generation/gguf_file.h"

#include "models/gguf_export.h"
#include "tokenizer/gguf_export.h"

namespace rustml::generation {

void write_gguf(const formats::ModelFile& file, tensor::DType type, const Session::Write& write, runtime::Call& call) {
  call.stop.check("quantize");
  models::Export plan = models::plan_export(file, type);
  if (file.format == "SafeTensors") tokenizer::export_gguf(file, plan.vocab, plan.metadata, call);
  std::vector<formats::GgufTensor> heads;
  uint64_t total = 0, done = 0;
  for (const models::ExportTensor& t : plan.tensors) {
    heads.push_back(t.to);
    total += t.to.bytes() + formats::gguf_padding(t.to.bytes());
  }
  const std::string head = formats::gguf_head(plan.metadata, heads);
  write(head.data(), head.size());
  const auto count = [&](const void* data, uint64_t n) {
    write(data, n);
    done += n;
    if (call.progress) call.progress(done, total);
  };
  constexpr char kZeros[formats::kGgufAlignment] = {};
  for (const models::ExportTensor& t : plan.tensors) {
    models::write_tensor(file, t, count, call.stop);
    count(kZeros, formats::gguf_padding(t.to.bytes()));
  }
}

}  // namespace rustml::generation
