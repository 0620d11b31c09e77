// From a file's tensors to packed weights. An architecture's bind function runs twice over the same names: first to check
// names, types and shapes and to add up sizes, then with memory, to say which panel is made of which rows. Values are read,
// packed and fingerprinted in parallel afterwards.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "formats/model_file.h"
#include "ops/context.h"
#include "runtime/memory.h"
#include "runtime/thread_team.h"

namespace rustml::models {

// Where canonical row r of a matrix lies in the file.
struct RowOrder {
  int64_t pairs_of_head = 0;  // > 0: rows of each head of this many are stored as neighbouring pairs; canonical are halves
  int64_t file_row(int64_t r) const noexcept;
};

class WeightBinder {
 public:
  // base null: counting only.
  WeightBinder(const formats::ModelFile& file, std::byte* base) : file_(file), base_(base) {}

  bool has(const std::string& name) const { return file_.find(name) != nullptr; }
  // data_loss naming tensor, wanted and found shape.
  ops::Matrix matrix(const std::string& name, int64_t rows, int64_t cols, const char* label, RowOrder order = {});
  const float* vector(const std::string& name, int64_t n, RowOrder order = {});
  // The same, or null where the file has none.
  const float* optional_vector(const std::string& name, int64_t n, RowOrder order = {}) {
    return has(name) ? vector(name, n, order) : nullptr;
  }
  // unimplemented, naming a tensor of the file that was not bound: to leave it out would give other results.
  void require_all_bound() const;

  uint64_t bytes() const noexcept { return used_; }
  uint64_t n_parameters() const noexcept { return n_parameters_; }
  uint32_t n_tensors() const noexcept { return n_tensors_; }
  uint32_t n_quantized() const noexcept { return n_quantized_; }  // matrices packed in a block type

  struct Options {
    int n_threads;
    bool check_values;  // refuse NaN and infinities: data_loss naming tensor and row
  };
  // Reads and packs everything bound. Returns the fingerprint of names, types, shapes and values.
  base::Hash128 load(runtime::ThreadTeam& team, const Options& options, runtime::Call& call) const;

 private:
  // Panels [begin, end) of one matrix, or a whole vector: what one job reads.
  struct Job {
    const formats::TensorInfo* tensor;
    std::byte* to;  // of panel `begin`, or of the vector
    int64_t panel_begin, panel_end, rows, cols;
    RowOrder order;
    bool is_vector;
  };
  const formats::TensorInfo& tensor(const std::string& name, const std::vector<int64_t>& shape);
  std::byte* place(uint64_t bytes);
  uint64_t run(const Job& job, bool check_values) const;  // hash of the bytes read
  uint64_t run_vector(const Job& job, bool check_values) const;

  const formats::ModelFile& file_;
  std::byte* const base_;
  uint64_t used_ = 0, n_parameters_ = 0;
  uint32_t n_tensors_ = 0, n_quantized_ = 0;
  std::unordered_set<const formats::TensorInfo*> bound_;
  std::vector<Job> jobs_;
};

}  // namespace rustml::models
