// cancel MODEL.gguf "PROMPT" MILLISECONDS: another thread stops the answer; the session stays usable.
// c++ -std=c++17 cancel.cpp $(pkg-config --cflags --libs rustml) -pthread -o cancel
#include <chrono>
#include <iostream>
#include <string>
#include <thread>

#include "rustml.hpp"

int main(int argc, char** argv) try {
  if (argc != 4) throw std::runtime_error("usage: cancel MODEL.gguf \"PROMPT\" MILLISECONDS");
  const std::chrono::milliseconds pause(std::stol(argv[3]));
  const rustml::Model model = rustml::open(argv[1]);
  const rustml::Session session = rustml::session(model);
  const rustml::Cancel cancel = rustml::cancel();
  rustml_generation_options options = rustml::options(0);
  options.ignore_eos = 1;  // until the context is full, or until it is stopped
  options.cancel = cancel.get();
  rustml::Generation answer = rustml::start(session, rustml::prompt(argv[2]), options);
  std::thread stopper([&] {
    std::this_thread::sleep_for(pause);
    rustml_cancel_trigger(cancel.get(), RUSTML_CANCEL_REASON_USER);
  });
  int32_t status = RUSTML_OK;
  try {
    status = rustml::for_each_event(
        answer, [](const rustml_event&) {}, RUSTML_CANCELLED);
  } catch (...) {
    stopper.join();
    throw;
  }
  stopper.join();
  const rustml_result result = rustml::result(answer);
  std::cout << (status == RUSTML_CANCELLED ? "stopped" : "finished") << " after " << result.generated_tokens << " tokens, "
            << static_cast<double>(result.stop_latency_ns) / 1e6 << " ms after the request\n";
  answer.reset();
  rustml::for_each_event(rustml::start(session, rustml::prompt("And now?"), rustml::options(4)),
                         [](const rustml_event& event) { std::cout << rustml::text(event); });
  std::cout << '\n';
} catch (const std::exception& failure) {
  std::cerr << "cancel: " << failure.what() << '\n';
  return 1;
}
