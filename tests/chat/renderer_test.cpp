// The engine against Jinja2 as transformers sets it up: data/templates.json, which jinja_oracle.py writes. And templates that mean harm.
#include "chat/renderer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>

#include "chat/from_json.h"
#include "chat/template_parser.h"
#include "runtime/thread.h"

namespace rustml::chat {
namespace {

struct Result {
  Text text;
  std::optional<base::Error> error;
};

Result rendered(const std::string& source, const base::Json* variables, int64_t time = 0) {
  Result out;
  runtime::Thread thread(
      [&] {
        try {
          runtime::StopSignal stop;
          Renderer renderer({}, stop);
          if (variables != nullptr)
            for (const auto& [name, value] : variables->members) renderer.set(name, from_json(value));
          renderer.set_time(time);
          out.text = renderer.render(parse_template(source));
        } catch (const base::Error& error) {
          out.error = error;
        }
      },
      size_t{2} << 20);
  thread.join();
  return out;
}

TEST(Renderer, RendersAsJinja2Does) {
  setenv("TZ", "UTC", 1);
  tzset();
  std::ifstream file(std::string(RUSTML_TEST_DATA) + "/data/templates.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const base::Json all = base::parse_json(text, "templates.json");
  size_t equal = 0, refused = 0;
  for (const base::Json& test : all.find("cases")->items) {
    const std::string& source = test.find("template")->string;
    const Result result = rendered(source, all.find("variables"), all.find("time")->integer);
    const base::Json* expected = test.find("text");
    if (expected == nullptr) {
      EXPECT_TRUE(result.error) << source << "\ngives " << result.text.bytes() << "\nwhere Jinja2 says " << test.find("refused")->string;
      ++refused;
    } else if (!result.error) {
      EXPECT_EQ(result.text.bytes(), expected->string) << source;
      ++equal;
    } else {  // what is not supported is said, and is seldom
      EXPECT_EQ(result.error->status(), base::Status::unimplemented) << source << "\n" << result.error->message();
    }
  }
  EXPECT_GT(equal, 300u);
  EXPECT_GE(equal + refused + 3, all.find("cases")->items.size());
}

TEST(Renderer, KnowsWhichBytesAreData) {
  const base::Json variables = base::parse_json(R"({"x":"<|a|>","y":["<|a|>",{"<|a|>":1}]})", "variables");
  for (const char* const source :
       {"{{ x }}", "m{{ x|upper }}n", "{{ (x ~ 'm')[1:-1] }}", "{{ y }}", "{{ y|tojson }}", "{{ '%s|%5s' % (x, x) }}",
        "{{ '{}'.format(x) }}", "{{ x|replace('a', x) }}", "{{ x.split('|')|join('|') }}", "{{ x|e|reverse }}", "{{ x.center(30, '*') }}",
        "{{ 'mm'|replace('m', x) }}", "{{ x|indent(2, true) }}", "{{ [x]|map('title')|join }}"}) {
    const Result result = rendered(source, &variables);
    ASSERT_FALSE(result.error) << source;
    size_t data = 0;
    for (size_t i = 0; i < result.text.size(); ++i) {
      const bool marked = std::string_view("<|a>A").find(result.text.bytes()[i]) != std::string_view::npos;
      if (result.text.origin(i) == Origin::data) ++data;
      EXPECT_TRUE(!marked || result.text.origin(i) == Origin::data || std::string_view(source).find("'%s|") != std::string_view::npos ||
                  std::string_view(source).find("'|'") != std::string_view::npos)
          << source << " at " << i;
    }
    EXPECT_GT(data, 0u) << source;
  }
}

TEST(Renderer, StopsHostileTemplates) {
  const auto times = [](const std::string& text, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += text;
    return out;
  };
  const std::string lists =
      "{% set n = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}{% set n.b = [n.b, n.b] %}{% endfor %}";
  const std::string sources[] = {
      "{% for i in range(10**9) %}x{% endfor %}",
      "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{{ " + times("(", 50000) + "1" + times(")", 50000) + " }}",
      times("{% if 1 %}", 20000),
      "{{ '-' * 10**10 }}",
      "{{ 'a'.ljust(10**12) }}",
      "{{ '%.1000000000f' % 1 }}",
      "{{ [1]|batch(10**12, 0)|list }}",
      "{{ [[1]]|tojson(indent=10**9) }}",
      "{% set a = 'a' * 100000 %}{{ a.replace('a', a) }}",
      "{% set n = namespace(a='x') %}{% for i in range(99) %}{% set n.a = n.a + n.a %}{% endfor %}",
      lists + "{{ n.a }}",
      lists + "{{ n.a|tojson }}",
      lists + "{{ n.a == n.b }}",
      lists + "{{ n.a in [n.b] }}",
      "{% set a = 'a' * 500000 %}{% set b = 'a' * 250000 + 'b' %}{% for i in range(9999) %}{{ b in a }}{% endfor %}",
      "{% set a = 'a' * 3000000 %}{% for i in range(9999) %}{% set b = a|length %}{% endfor %}",
      "{% for a in b %}",
      "{{ 'a"};
  for (const std::string& source : sources) {
    [[maybe_unused]] const std::clock_t begin = std::clock();
    const Result result = rendered(source, nullptr);
    EXPECT_TRUE(result.error) << source.substr(0, 100);
#ifndef RUSTML_SANITIZED
    EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 0.3) << source.substr(0, 100);  // 0.1 on our machine
#endif
  }
}

}  // namespace
}  // namespace rustml::chat
