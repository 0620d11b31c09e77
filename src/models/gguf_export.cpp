#include "models/gguf_export.h"

#include <algorithm>

#include "models/registry.h"

namespace rustml::models {

using formats::ModelFile;
using formats::TensorInfo;
using tensor::DType;

namespace {

constexpr int64_t kBandBytes = 4 << 20;  // of floats, at a time
constexpr uint64_t kQuantizationVersion = 2;

// general.file_type: llama.cpp's number for a file whose matrices are mostly of this type.
uint64_t file_type(DType type) {
  constexpr std::pair<DType, uint64_t> kFileTypes[] = {{DType::f32, 0},  {DType::f16, 1},  {DType::bf16, 32}, {DType::q4_0, 2},
                                                       {DType::q4_1, 3}, {DType::q5_0, 8}, {DType::q5_1, 9},  {DType::q8_0, 7}};
  return std::find_if(std::begin(kFileTypes), std::end(kFileTypes), [&](const auto& row) { return row.first == type; })->second;
}

DType type_of(const std::string& name, const std::vector<int64_t>& shape, DType wanted) {
  if (shape.size() < 2 || !name.ends_with(".weight") || name == "position_embd.weight") return DType::f32;
  return shape.back() % tensor::info(wanted).block_elements == 0 ? wanted : DType::f16;
}

// One tensor of a directory under its GGUF name; nothing where there is none.
void add_tensor(const ModelFile& file, const Plan& plan, const std::string& name, DType type, std::vector<ExportTensor>& to) {
  const TensorInfo* from = file.find(plan.names.in_file(name));
  if (!from) return;
  const Config& c = plan.config;
  const auto is = [&](std::string_view part) { return name.find(part) != std::string::npos; };
  ExportTensor t;
  t.from = from;
  t.to = {name, DType::f32, from->shape};
  if (c.conv1d && from->shape.size() == 2 && name.starts_with("blk.")) {
    t.transposed = true;
    std::swap(t.to.shape[0], t.to.shape[1]);
  }
  if (c.paired_rows && (is(".attn_q.") || is(".attn_k."))) t.order = {c.head_dim};
  if (name.ends_with("norm.weight")) t.plus = c.norm_plus;
  if (plan.architecture->family->export_tensor) plan.architecture->family->export_tensor(c, t);
  t.to.dtype = type_of(name, t.to.shape, type);
  to.push_back(std::move(t));
}

void export_directory(const ModelFile& file, const Plan& plan, DType type, Export& out) {
  const Config& c = plan.config;
  const Family& family = *plan.architecture->family;
  out.metadata["general.architecture"] = std::string(plan.architecture->gguf);
  if (!c.name.empty()) out.metadata["general.name"] = c.name;
  family.export_keys(c, GgufKeyWriter(plan.architecture->gguf, out.metadata));
  if (!c.chat_template.empty()) out.metadata["tokenizer.chat_template"] = c.chat_template;
  for (const bool in_layers : {false, true}) {
    for (int64_t layer = 0; layer < (in_layers ? c.n_layers : 1); ++layer) {
      for (const NameRule& rule : family.names) {
        std::string name = rule.gguf;
        const size_t at = name.find("{}");
        if ((at != std::string::npos) != in_layers || (name == "output" && c.tied)) continue;
        if (in_layers) name.replace(at, 2, std::to_string(layer));
        for (const char* suffix : {".weight", ".bias"}) add_tensor(file, plan, name + suffix, type, out.tensors);
      }
    }
  }
  const auto add_divisors = [&](const char* name, std::vector<float> values) {
    ExportTensor divisors;
    divisors.values = std::move(values);
    divisors.to = {name, DType::f32, {c.head_dim / 2}};
    out.tensors.push_back(std::move(divisors));
  };
  using Kind = ops::RopeScaling::Kind;
  if (c.rope_scaling.kind == Kind::llama3) add_divisors("rope_freqs.weight", ops::llama3_divisors(c.head_dim, c.rope_base, c.rope_scaling));
  if (c.rope_scaling.kind == Kind::longrope) {
    add_divisors("rope_factors_long.weight", c.rope_scaling.long_divisors);
    add_divisors("rope_factors_short.weight", c.rope_scaling.short_divisors);
  }
}

void export_gguf(const ModelFile& file, DType type, Export& out) {
  for (const auto& [key, value] : file.metadata)
    if (!key.starts_with("split.") && key != "general.alignment") out.metadata.emplace(key, value);
  for (const TensorInfo& from : file.tensors) {
    if (is_of_images(from.name)) continue;  // a reader of the text model refuses them
    ExportTensor t;
    t.from = &from;
    t.to = {from.name, type_of(from.name, from.shape, type), from.shape};
    out.tensors.push_back(std::move(t));
  }
}

// The tensor as a matrix, and how many of its rows make a band: whole heads, so that they are the same ones in both orders.
struct Rows {
  int64_t rows = 1, cols = 1, band = 1;
};

Rows rows_of(const ExportTensor& t) {
  const std::vector<int64_t>& shape = t.to.shape;
  const bool single = shape.size() == 1 && t.order.pairs_of_head > 0;  // a bias in the order of its matrix's rows
  Rows r;
  if (!single) r.cols = shape.back();
  for (size_t i = 0; i + (single ? 0 : 1) < shape.size(); ++i) r.rows *= shape[i];
  const int64_t unit = std::max<int64_t>(1, t.order.pairs_of_head);
  r.band = std::max<int64_t>(1, kBandBytes / static_cast<int64_t>(sizeof(float)) / r.cols / unit) * unit;
  return r;
}

// Floats in, bytes of the tensor's type out.
std::vector<std::byte> encode(const ExportTensor& t, std::vector<float> values, int64_t cols) {
  if (t.plus != 0 || t.times != 1)
    for (float& v : values) v = (v + t.plus) * t.times;
  const int64_t n = static_cast<int64_t>(values.size());
  std::vector<std::byte> bytes(static_cast<size_t>(n / cols * tensor::row_bytes(t.to.dtype, cols)));
  tensor::quantize(t.to.dtype, values.data(), n, bytes.data());
  return bytes;
}

// Rows begin ... begin + n of a tensor that is [cols, rows] in its file, of a float type.
std::vector<float> read_transposed(const ModelFile& file, const TensorInfo& from, const Rows& shape, int64_t begin, int64_t n) {
  const int64_t element = tensor::info(from.dtype).block_bytes;
  std::vector<std::byte> bytes(static_cast<size_t>(n * element));
  std::vector<float> line(static_cast<size_t>(n)), values(static_cast<size_t>(n * shape.cols));
  for (int64_t k = 0; k < shape.cols; ++k) {
    file.read(from, static_cast<uint64_t>((k * shape.rows + begin) * element), bytes.data(), bytes.size());
    tensor::dequantize(from.dtype, bytes.data(), n, line.data());
    for (int64_t r = 0; r < n; ++r) values[static_cast<size_t>(r * shape.cols + k)] = line[static_cast<size_t>(r)];
  }
  return values;
}

}  // namespace

Export plan_export(const ModelFile& file, DType type) {
  const Plan planned = plan(file);
  WeightBinder counting(file, planned.names, {}, nullptr);
  bind(planned, counting);  // names and shapes are right
  Export out;
  out.vocab = planned.config.vocab;
  if (file.format == formats::Format::safetensors)
    export_directory(file, planned, type, out);
  else
    export_gguf(file, type, out);
  out.metadata["general.file_type"] = file_type(type);
  out.metadata["general.quantization_version"] = kQuantizationVersion;
  return out;
}

int64_t n_bands(const ExportTensor& t) {
  const Rows shape = rows_of(t);
  return (shape.rows + shape.band - 1) / shape.band;
}

std::vector<std::byte> make_band(const ModelFile& file, const ExportTensor& t, int64_t index) {
  const Rows shape = rows_of(t);
  if (!t.from) return encode(t, t.values, shape.cols);
  const int64_t begin = index * shape.band, n = std::min(shape.band, shape.rows - begin), cols = shape.cols;
  if (t.transposed) return encode(t, read_transposed(file, *t.from, shape, begin, n), cols);
  const DType type = t.from->dtype;
  const int64_t row_bytes = tensor::row_bytes(type, cols);
  std::vector<std::byte> bytes(static_cast<size_t>(n * row_bytes));
  file.read(*t.from, static_cast<uint64_t>(begin * row_bytes), bytes.data(), bytes.size());
  if (type == t.to.dtype && t.order.pairs_of_head == 0 && t.plus == 0 && t.times == 1) return bytes;  // as it is, bit for bit
  std::vector<float> values(static_cast<size_t>(n * cols));
  for (int64_t r = 0; r < n; ++r) tensor::dequantize(type, bytes.data() + r * row_bytes, cols, values.data() + t.order.file_row(r) * cols);
  return encode(t, std::move(values), cols);
}

}  // namespace rustml::models
