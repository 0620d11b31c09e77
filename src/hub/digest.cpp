#include "hub/digest.h"

#include <openssl/evp.h>

#include "base/error.h"

namespace rustml::hub {
namespace {

void require(int answer) {
  if (answer != 1) base::fail(base::Status::internal, "hashing failed: libcrypto offers no SHA-1 or SHA-256");
}

}  // namespace

struct Digest::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Digest::Digest(std::string_view blob, uint64_t size) : state_(std::make_unique<State>()), wanted_(blob) {
  const bool git = blob.size() == 40;
  require(state_->context ? EVP_DigestInit_ex(state_->context, git ? EVP_sha1() : EVP_sha256(), nullptr) : 0);
  const std::string head = "blob " + std::to_string(size);
  if (git) add(head.c_str(), head.size() + 1);
}

Digest::~Digest() = default;

void Digest::add(const void* data, size_t n) { require(EVP_DigestUpdate(state_->context, data, n)); }

bool Digest::matches() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  require(EVP_DigestFinal_ex(state_->context, bytes, &n));
  std::string text(2 * n, '\0');
  for (unsigned i = 0; i < n; ++i) {
    text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
    text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
  }
  return text == wanted_;
}

}  // namespace rustml::hub
