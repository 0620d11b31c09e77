/* Error objects: made by sister libraries, read, released, refused. */
#include "check.h"

int main(void) {
  rustml_error *error = rustml_error_create(RUSTML_NOT_FOUND, "file\n\"x\"", RUSTML_NUL_TERMINATED, "{\"a\":1}", 7, -3);
  rustml_error *other;
  char *long_text;
  CHECK(rustml_error_code(error) == RUSTML_NOT_FOUND);
  CHECK(strcmp(rustml_error_message(error), "file \"x\"") == 0);
  CHECK(strcmp(rustml_error_detail_json(error), "{\"a\":1}") == 0);
  CHECK(rustml_error_callback_value(error) == -3);
  CHECK(rustml_error_release(error) == RUSTML_OK);
  CHECK(rustml_error_release(error) == RUSTML_INVALID_HANDLE);
  CHECK(rustml_error_code(error) == RUSTML_INVALID_HANDLE);
  CHECK(strlen(rustml_error_message(error)) > 0);
  CHECK(strcmp(rustml_error_detail_json(error), "{}") == 0);
  CHECK(rustml_error_callback_value(error) == 0);
  CHECK(rustml_error_code(NULL) == RUSTML_INVALID_HANDLE);
  CHECK(rustml_error_release(NULL) == RUSTML_OK);

  error = rustml_error_create(RUSTML_UNAVAILABLE, NULL, 0, NULL, 0, 0);
  CHECK(rustml_error_code(error) == RUSTML_UNAVAILABLE);
  CHECK(strcmp(rustml_error_message(error), "") == 0 && strcmp(rustml_error_detail_json(error), "{}") == 0);
  rustml_error_release(error);

  /* What cannot be made into one is an error itself, never NULL. */
  other = rustml_error_create(RUSTML_OK, "x", 1, NULL, 0, 0);
  CHECK(rustml_error_code(other) == RUSTML_INVALID_ARGUMENT);
  rustml_error_release(other);
  other = rustml_error_create(RUSTML_NOT_FOUND, NULL, 5, NULL, 0, 0);
  CHECK(rustml_error_code(other) == RUSTML_INVALID_ARGUMENT);
  rustml_error_release(other);
  other = rustml_error_create(RUSTML_NOT_FOUND, "\xC0\x80", 2, NULL, 0, 0);
  CHECK(rustml_error_code(other) == RUSTML_INVALID_ARGUMENT);
  rustml_error_release(other);
  other = rustml_error_create(RUSTML_NOT_FOUND, "x", 1, "[1]", 3, 0);
  CHECK(rustml_error_code(other) == RUSTML_INVALID_ARGUMENT);
  rustml_error_release(other);
  other = rustml_error_create(RUSTML_NOT_FOUND, "x", 1, "{\"a\":", 5, 0);
  CHECK(rustml_error_code(other) == RUSTML_INVALID_ARGUMENT);
  rustml_error_release(other);

  long_text = malloc(1000000);
  memset(long_text, 'm', 1000000);
  error = rustml_error_create(RUSTML_DATA_LOSS, long_text, 1000000, NULL, 0, 0);
  CHECK(strlen(rustml_error_message(error)) == 1000000);
  rustml_error_release(error);
  free(long_text);
  return finish();
}
