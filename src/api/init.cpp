// Defaults for callers: the exported init functions.
#include "boundary/structs.h"

using rustml::boundary::init_struct;

int32_t rustml_log_options_init(rustml_log_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_call_options_init(rustml_call_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_model_options_init(rustml_model_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_quantize_options_init(rustml_quantize_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_chat_options_init(rustml_chat_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_session_options_init(rustml_session_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_prompt_init(rustml_prompt* prompt, uint32_t size) { return init_struct(prompt, size); }
int32_t rustml_generation_options_init(rustml_generation_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_beam_options_init(rustml_beam_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_callback_init(rustml_callback* callback, uint32_t size) { return init_struct(callback, size); }
int32_t rustml_reader_init(rustml_reader* reader, uint32_t size) { return init_struct(reader, size); }
int32_t rustml_sink_init(rustml_sink* sink, uint32_t size) { return init_struct(sink, size); }
