#include "hub/http.h"

#include <curl/curl.h>
#include <cxxabi.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>

#include "base/ascii.h"
#include "base/refuse.h"
#include "base/system_error.h"

namespace rustml::hub {
namespace {

constexpr int kMostRedirects = 5;
constexpr size_t kMostHeaderBytes = 256 << 10;
constexpr long kConnectTimeout_ms = 15'000;
constexpr int64_t kLeastBytes = 1024;  // of a body, in the time of a stall
constexpr int kPoll_ms = 10;           // how late a cancel may be seen

// For what libcurl returns; exhausted memory is thrown.
bool is_ok(CURLUcode code) {
  if (code == CURLUE_OUT_OF_MEMORY) throw std::bad_alloc();
  return code == CURLUE_OK;
}

struct Url {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> handle{curl_url(), curl_url_cleanup};
  Url() {
    if (!handle) throw std::bad_alloc();
  }
  bool set(const std::string& text) {
    const auto try_once = [&] { return is_ok(curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME)); };
    return try_once() || try_once();  // libcurl 7.88 calls some lack of memory a malformed address
  }
  std::string part(CURLUPart which, unsigned flags = 0) const {
    char* text = nullptr;
    if (!is_ok(curl_url_get(handle.get(), which, &text, flags))) return {};
    const std::unique_ptr<char, decltype(&curl_free)> owned(text, curl_free);
    return text;
  }
  std::string host() const { return base::lower_case(part(CURLUPART_HOST)); }
  std::string origin() const { return part(CURLUPART_SCHEME) + "://" + host() + ":" + part(CURLUPART_PORT, CURLU_DEFAULT_PORT); }
  std::string shown() const {  // signed addresses carry secrets in their query
    const std::string port = part(CURLUPART_PORT);
    return part(CURLUPART_SCHEME) + "://" + host() + (port.empty() ? "" : ":" + port) + part(CURLUPART_PATH);
  }
  bool has_user() const { return !part(CURLUPART_USER).empty() || !part(CURLUPART_PASSWORD).empty(); }
  bool is_loopback() const {
    const std::string name = host();
    const bool numeric = std::all_of(name.begin(), name.end(), [](char c) { return base::is_digit(c) || c == '.'; });
    return name == "localhost" || name == "[::1]" || (numeric && name.starts_with("127."));
  }
};

// When an answer counts as broken: all of its headers, or another kLeastBytes of its body, have to come within a limit. Libcurl's own
// limit is of the average speed and takes headers that drip for a transfer.
class Stall {
 public:
  Stall(CURL* easy, uint64_t limit_ns) : easy_(easy), limit_ns_(limit_ns) {}
  bool over(bool headers_whole) {
    curl_off_t body = 0;
    curl_easy_getinfo(easy_, CURLINFO_SIZE_DOWNLOAD_T, &body);
    const uint64_t now = rustml_now_ns();
    if (headers_whole != headers_whole_ || body - body_ >= kLeastBytes) {
      headers_whole_ = headers_whole;
      body_ = body;
      since_ns_ = now;
    }
    return now - since_ns_ > limit_ns_;
  }

 private:
  CURL* easy_;
  uint64_t limit_ns_, since_ns_ = rustml_now_ns();
  curl_off_t body_ = 0;
  bool headers_whole_ = false;
};

// Libcurl's callbacks: what is thrown in them is thrown again when libcurl has returned.
struct Exchange {
  CURL* easy;
  const BodySink& sink;
  Response response{};
  size_t header_bytes = 0;
  bool interim = false, headers_whole = false, stopped = false;
  std::exception_ptr thrown{};
};

size_t on_header(char* data, size_t, size_t n, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  try {
    const std::string_view line(data, n);
    if ((exchange.header_bytes += n) > kMostHeaderBytes) fail(Status::unavailable, "server sends endless headers; check HF_ENDPOINT");
    if (line.starts_with("HTTP/")) {  // 100 Continue or a proxy's answer came before
      exchange.response.headers.clear();
      const size_t code = line.find(' ');
      exchange.interim = code != line.npos && line.substr(code).starts_with(" 1");
    }
    if (line == "\r\n" || line == "\n") exchange.headers_whole |= !exchange.interim;
    const size_t colon = line.find(':');
    if (colon == line.npos) return n;
    const std::string name = base::lower_case(line.substr(0, colon));
    size_t begin = colon + 1, end = n;
    while (begin < end && base::is_blank(line[begin])) ++begin;
    while (end > begin && base::is_blank(line[end - 1])) --end;
    exchange.response.headers[name] = std::string(line.substr(begin, end - begin));
    return n;
  } catch (...) {
    exchange.thrown = std::current_exception();
    return 0;
  }
}

size_t on_body(char* data, size_t, size_t n, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &exchange.response.status);
  if (exchange.response.status != 200 && exchange.response.status != 206) return n;  // the body of a refusal is of no use
  try {
    exchange.stopped = !exchange.sink(exchange.response, data, n);
    return exchange.stopped ? 0 : n;
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    exchange.thrown = std::current_exception();
    return 0;
  }
}

// Where libcurl's own words end in the system's, those are in the language of LC_MESSAGES.
std::string failure_text(CURL* easy, CURLcode outcome, const char* details) {
  const bool of_system = outcome == CURLE_COULDNT_CONNECT || outcome == CURLE_SEND_ERROR || outcome == CURLE_RECV_ERROR ||
                         (outcome == CURLE_SSL_CONNECT_ERROR && !std::strstr(details, "error:"));  // OpenSSL's begin so
  if (*details && !of_system) return details;
  long error = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
  return curl_easy_strerror(outcome) + (error != 0 ? ": " + base::errno_text(static_cast<int>(error)) : std::string());
}

void start_curl() {
  static const bool started = [] {  // what is thrown lets the next call try again
    const CURLcode outcome = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (outcome == CURLE_OUT_OF_MEMORY || outcome == CURLE_FAILED_INIT) throw std::bad_alloc();  // it allocates, and nothing else fails
    if (outcome != CURLE_OK) fail(Status::internal, std::string("libcurl cannot start: ") + curl_easy_strerror(outcome));
    return true;
  }();
  static_cast<void>(started);
}

}  // namespace

std::string Response::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

struct HttpClient::State {
  CURLM* multi = curl_multi_init();  // keeps connections from one request to the next
  CURL* easy = curl_easy_init();
  ~State() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
};

HttpClient::HttpClient(const Settings& settings, const Call& call) : settings_(settings), call_(call) {
  start_curl();
  state_ = std::make_unique<State>();
  if (!state_->multi || !state_->easy) throw std::bad_alloc();
  Url endpoint;
  const bool read = endpoint.set(settings.endpoint);
  const std::string scheme = read ? endpoint.part(CURLUPART_SCHEME) : "";
  if ((scheme != "https" && scheme != "http") || endpoint.has_user() || !endpoint.part(CURLUPART_QUERY).empty())
    fail(Status::invalid_argument,
         "endpoint " + base::quoted(settings.endpoint) +
             " is no address of a hub; set HF_ENDPOINT to https://host[:port][/path], without user or query",
         base::refusal_detail("endpoint", base::Given::text(settings.endpoint), "https://host[:port][/path], without user or query"));
  endpoint_origin_ = endpoint.origin();
}

HttpClient::~HttpClient() = default;

Response HttpClient::head(const std::string& url) { return follow(url, true, 0, {}); }
Response HttpClient::get(const std::string& url, uint64_t from, const BodySink& sink) { return follow(url, false, from, sink); }

Response HttpClient::follow(const std::string& first, bool head, uint64_t from, const BodySink& sink) {
  Url url;
  if (!url.set(first)) fail(Status::internal, "address " + base::quoted(first) + " cannot be parsed");
  for (int hop = 0;; ++hop) {
    const std::string scheme = url.part(CURLUPART_SCHEME), origin = url.origin();
    const bool plain = scheme == "http" && endpoint_origin_.starts_with("http://") && (origin == endpoint_origin_ || url.is_loopback());
    if ((scheme != "https" && !plain) || url.has_user())
      fail(Status::unavailable, "hub redirects to " + base::quoted(url.shown()) +
                                    ", which is not followed: only https without user names is, or http on this machine");
    Response response = ask(url.part(CURLUPART_URL), origin, head, from, sink);
    response.url = url.shown();
    const long status = response.status;
    const bool redirects = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    if (!redirects || !response.failure.empty() || (head && !response.header("x-linked-etag").empty())) return response;
    if (hop == kMostRedirects)
      fail(Status::unavailable,
           "hub redirects more than " + std::to_string(kMostRedirects) + " times, last at " + base::quoted(response.url));
    if (!url.set(response.header("location")) || response.header("location").empty())
      fail(Status::unavailable, "hub redirects from " + base::quoted(response.url) + " to no address");
  }
}

// Sets the options of one request on a handle of libcurl, and forgets them at the end: they point into this call.
class HttpClient::Request {
 public:
  Request(State& state, Exchange& exchange) : Request(state) {  // whole from here on: what is thrown below undoes it
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_USERAGENT, (std::string("librustml-hub/") + rustml_hub_version()).c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // a cancel does not wait for a name server
    set(CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeout_ms);
    set(CURLOPT_BUFFERSIZE, 256L << 10);
    set(CURLOPT_ERRORBUFFER, failure_);
    set(CURLOPT_HEADERFUNCTION, on_header);
    set(CURLOPT_HEADERDATA, &exchange);
    set(CURLOPT_WRITEFUNCTION, on_body);
    set(CURLOPT_WRITEDATA, &exchange);
    add_header("Accept-Encoding: identity");  // sizes and ranges are of the bytes themselves
  }
  ~Request() {
    curl_multi_remove_handle(state_.multi, state_.easy);
    curl_easy_reset(state_.easy);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  template <class T>
  void set(CURLoption option, T value) {  // an option that is not set may be the one that keeps a secret
    const CURLcode outcome = curl_easy_setopt(state_.easy, option, value);
    if (outcome == CURLE_UNKNOWN_OPTION) fail(Status::internal, "libcurl is too old: it does not know an option");
    if (outcome != CURLE_OK) throw std::bad_alloc();  // the values are right; libcurl 7.88 calls some lack of memory a bad argument
  }
  void add_header(const std::string& line) {
    curl_slist* longer = curl_slist_append(headers_.get(), line.c_str());
    if (!longer) throw std::bad_alloc();
    headers_.release();
    headers_.reset(longer);
  }
  void begin() {
    set(CURLOPT_HTTPHEADER, headers_.get());
    if (curl_multi_add_handle(state_.multi, state_.easy) != CURLM_OK) throw std::bad_alloc();
  }
  // How it ended; CURLE_OK while it goes on.
  CURLcode outcome() {
    CURLcode ended = CURLE_OK;
    for (int left = 0; const CURLMsg* message = curl_multi_info_read(state_.multi, &left);)
      if (message->msg == CURLMSG_DONE) ended = message->data.result;
    return ended;
  }
  const char* failure() const { return failure_; }

 private:
  explicit Request(State& state) : state_(state) {}
  State& state_;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers_{nullptr, curl_slist_free_all};
  char failure_[CURL_ERROR_SIZE] = "";
};

// Transfers. Why the answer counts as broken; empty: it came, or libcurl gave up.
std::string HttpClient::run(const bool& headers_whole) {
  Stall stall(state_->easy, settings_.stall_s * 1'000'000'000);
  for (int n_running = 1; n_running > 0;) {
    if (curl_multi_perform(state_->multi, &n_running) != CURLM_OK) throw std::bad_alloc();
    call_.check();
    if (n_running > 0 && stall.over(headers_whole))
      return std::string("server has sent ") + (headers_whole ? "next to nothing" : "no whole answer") + " for " +
             std::to_string(settings_.stall_s) + " s (HF_HUB_DOWNLOAD_TIMEOUT)";
    if (n_running > 0) curl_multi_poll(state_->multi, nullptr, 0, kPoll_ms, nullptr);
  }
  return {};
}

Response HttpClient::ask(const std::string& url, const std::string& origin, bool head, uint64_t from, const BodySink& sink) {
  Exchange exchange{state_->easy, sink};
  Request request(*state_, exchange);
  request.set(CURLOPT_URL, url.c_str());
  request.set(CURLOPT_NOBODY, head ? 1L : 0L);
  if (!settings_.token.empty() && origin == endpoint_origin_) request.add_header("Authorization: Bearer " + settings_.token);
  if (from > 0) request.add_header("Range: bytes=" + std::to_string(from) + "-");
  request.begin();
  exchange.response.failure = run(exchange.headers_whole);
  const CURLcode outcome = request.outcome();
  if (exchange.thrown) std::rethrow_exception(exchange.thrown);
  curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &exchange.response.status);
  if (outcome == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
  if (outcome == CURLE_PEER_FAILED_VERIFICATION || outcome == CURLE_SSL_CACERT_BADFILE)
    fail(Status::unavailable,
         origin + " has no certificate that this machine trusts: " + request.failure() + "; check ca-certificates and the clock");
  if (outcome != CURLE_OK && !exchange.stopped) exchange.response.failure = failure_text(exchange.easy, outcome, request.failure());
  return std::move(exchange.response);
}

}  // namespace rustml::hub
