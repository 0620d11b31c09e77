// hello MODEL.gguf: the shortest program; rustml.hpp is beside it.
// c++ -std=c++17 hello.cpp $(pkg-config --cflags --libs rustml) -o hello
#include <iostream>

#include "rustml.hpp"

int main(int argc, char** argv) try {
  const rustml::Model model = rustml::open(argc > 1 ? argv[1] : "model.gguf");
  const rustml::Session session = rustml::session(model);
  const rustml::Generation answer = rustml::start(session, rustml::prompt("The capital of France is"), rustml::options(16));
  rustml::for_each_event(answer, [](const rustml_event& event) { std::cout << rustml::text(event) << std::flush; });
  std::cout << '\n';
} catch (const std::exception& failure) {
  std::cerr << "hello: " << failure.what() << '\n';
  return 1;
}
