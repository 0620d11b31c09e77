// OpenSSL's functions of one algorithm each: they need no memory. EVP's fetch the algorithm first, and OpenSSL 3.0 crashes when
// memory runs out in that. Deprecated since 3.0 in favour of EVP, and kept.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "hub/digest.h"

#include <openssl/sha.h>

#include "base/error.h"

namespace rustml::hub {
namespace {

void require(int answer) {
  if (answer != 1) base::fail(base::Status::internal, "hashing failed: libcrypto refused SHA-1 or SHA-256");
}

}  // namespace

struct Digest::State {
  bool git;  // SHA-1
  SHA_CTX sha1;
  SHA256_CTX sha256;
};

Digest::Digest(std::string_view blob, uint64_t size) : state_(std::make_unique<State>()), wanted_(blob) {
  state_->git = blob.size() == 40;
  require(state_->git ? SHA1_Init(&state_->sha1) : SHA256_Init(&state_->sha256));
  const std::string head = "blob " + std::to_string(size);
  if (state_->git) add(head.c_str(), head.size() + 1);
}

Digest::~Digest() = default;

void Digest::add(const void* data, size_t n) {
  require(state_->git ? SHA1_Update(&state_->sha1, data, n) : SHA256_Update(&state_->sha256, data, n));
}

bool Digest::matches() {
  unsigned char bytes[SHA256_DIGEST_LENGTH];
  require(state_->git ? SHA1_Final(bytes, &state_->sha1) : SHA256_Final(bytes, &state_->sha256));
  const size_t n = state_->git ? SHA_DIGEST_LENGTH : SHA256_DIGEST_LENGTH;
  std::string text(2 * n, '\0');
  for (size_t i = 0; i < n; ++i) {
    text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
    text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
  }
  return text == wanted_;
}

}  // namespace rustml::hub
