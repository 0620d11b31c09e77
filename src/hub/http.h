// HEAD and GET with redirects followed here, not by libcurl: every hop is checked before it is asked. Only https is spoken;
// plain http to the endpoint if it is http itself, and from there to loopback. The token goes to the endpoint's origin
// (scheme, host, port) only. The only place that knows libcurl.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "hub/call.h"
#include "hub/settings.h"

namespace rustml::hub {

struct Response {
  long status = 0;                             // 0: no answer came
  std::string url;                             // of the last hop, without its query: for messages
  std::string failure;                         // of the transport; empty: the answer came whole
  std::map<std::string, std::string> headers;  // names in lower case
  std::string header(const std::string& name) const;
  // An answer that a repetition may better: none, a broken one, 408, 429 or 5xx.
  bool transient() const noexcept { return !failure.empty() || status == 408 || status == 429 || status >= 500; }
};

// Gets the bytes of a 200 or 206; false ends the transfer, which then counts as whole.
using BodySink = std::function<bool(const Response&, const char*, size_t)>;

class HttpClient {
 public:
  HttpClient(const Settings& settings, const Call& call);  // throws invalid_argument for a bad endpoint
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Stops at a redirect that tells where the content lies (X-Linked-Etag): its headers are the answer.
  Response head(const std::string& url);
  Response get(const std::string& url, uint64_t from, const BodySink& sink);

 private:
  struct State;
  class Request;
  Response follow(const std::string& url, bool head, uint64_t from, const BodySink& sink);
  Response ask(const std::string& url, const std::string& origin, bool head, uint64_t from, const BodySink& sink);
  std::string run(const bool& headers_whole);
  const Settings& settings_;
  const Call& call_;
  std::unique_ptr<State> state_;
  std::string endpoint_origin_;
};

}  // namespace rustml::hub
