/* .NET Core 3.1 asks for OpenSSL 1.1, Debian 12 has 3: the names that 3 dropped, so that the runtime starts and can hash. */
void ERR_put_error(int lib, int func, int reason, const char *file, int line) {
  (void)lib, (void)func, (void)reason, (void)file, (void)line;
}
int EVP_MD_get_size(const void *);
int EVP_MD_size(const void *md) { return EVP_MD_get_size(md); }
void *SSL_get1_peer_certificate(const void *);
void *SSL_get_peer_certificate(const void *ssl) { return SSL_get1_peer_certificate(ssl); }
