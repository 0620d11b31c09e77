// Renders templates for tests/chat/jinja_oracle.py. Each line of the input is a case, {"template":…,"variables":{…},"time":seconds}; the
// line of the output {"text":…,"data":[begin,end,…]}, with the ranges that came from the variables, or {"error":…,"status":…,"raised":…}.
#include <iostream>
#include <string>

#include "base/json_writer.h"
#include "chat/from_json.h"
#include "chat/renderer.h"
#include "chat/template_parser.h"
#include "runtime/thread.h"

using namespace rustml;

namespace {

std::string rendered(const std::string& line) {
  const base::Json given = base::parse_json(line, "case");
  runtime::StopSignal stop;
  chat::Limits limits;
  if (const base::Json* variables = given.find("variables"); variables != nullptr && given.find("roomy") != nullptr)
    limits.bytes += 32 * line.size();
  const std::string& source = given.find("template")->string;
  if (source.size() > 256 * 1024)
    base::fail(base::Status::resource_exhausted, "a template of more than 256 KiB");  // as chat::Template does
  chat::Renderer renderer(limits, stop);
  for (const auto& [name, value] : given.find("variables")->members) renderer.set(name, chat::from_json(value));
  if (const base::Json* time = given.find("time")) renderer.set_time(time->integer);
  const chat::Text text = renderer.render(chat::parse_template(source));
  base::JsonArray data;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    while (end < text.size() && text.origin(end) == text.origin(begin)) ++end;
    if (text.origin(begin) == chat::Origin::data) data.add(begin).add(end);
  }
  return base::JsonObject().add("text", text.bytes()).add("data", data).str();
}

std::string result(const std::string& line) {
  try {
    return rendered(line);
  } catch (const base::Error& error) {
    base::JsonObject out;
    out.add("error", error.message()).add("status", static_cast<int>(error.status()));
    if (!error.detail_json().empty()) out.add("detail", base::JsonText(error.detail_json()));
    return out.str();
  } catch (const std::exception& error) {
    return base::JsonObject().add("error", std::string("crash: ") + error.what()).add("status", -1).str();
  }
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::string out;
    runtime::Thread thread([&] { out = result(line); }, size_t{2} << 20);
    thread.join();
    std::cout << out << std::endl;
  }
  return 0;
}
