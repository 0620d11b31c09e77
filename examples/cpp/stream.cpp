// stream MODEL.gguf "PROMPT": pulls one token after the other, sampled, and says what it took.
// c++ -std=c++17 stream.cpp $(pkg-config --cflags --libs rustml) -o stream
#include <iostream>

#include "rustml.hpp"

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("usage: stream MODEL.gguf \"PROMPT\"");
  const rustml::Model model = rustml::open(argv[1]);
  const rustml::Session session = rustml::session(model);
  rustml_generation_options options = rustml::options(64);
  options.temperature = 0.8f;
  options.top_p = 0.95f;
  options.seed = 1;
  options.deadline_ns = rustml_deadline_after_ns(60'000'000'000);
  const rustml::Generation answer = rustml::start(session, rustml::prompt(argv[2]), options);
  rustml::for_each_event(answer, [](const rustml_event& event) { std::cout << rustml::text(event) << std::flush; });
  const rustml_result result = rustml::result(answer);
  std::cout << '\n';
  std::cerr << result.generated_tokens << " tokens, the first after " << result.first_token_seconds << " s\n";
} catch (const std::exception& failure) {
  std::cerr << "stream: " << failure.what() << '\n';
  return 1;
}
