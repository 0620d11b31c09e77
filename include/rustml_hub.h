/* rustml_hub.h: models of the Hugging Face hub, and the cache they lie in, which is shared with Python's huggingface_hub.
 *
 * Everything said at the head of rustml.h about text, buffers, structs and errors holds here too; errors, cancel handles
 * and call options are those of rustml.h. Every function may be called from any number of threads and processes at once.
 *
 * A model is named by an id:
 *   org/name[@revision]             a repository with config.json and model.safetensors (or its shards)
 *   org/name/file.gguf[@revision]   one GGUF file of a repository; of a split file every part
 * The revision is a branch, a tag or a commit of 40 hexadecimal digits; main if absent.
 *
 * Options that are absent come from the environment: HF_ENDPOINT, HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, HF_TOKEN,
 * HF_TOKEN_PATH, HF_HUB_OFFLINE, and HF_HUB_DOWNLOAD_TIMEOUT. A transfer without progress for that many seconds (30 if unset) counts as
 * broken and is tried again, at most five times in a row. The token is sent to the endpoint's scheme, host and port only, never to where
 * it redirects, and appears in no message. Proxies are those of libcurl (https_proxy, no_proxy).
 *
 * Statuses: RUSTML_UNAVAILABLE network; RUSTML_PERMISSION_DENIED private or gated repository, or a cache that cannot be
 * written; RUSTML_NOT_FOUND no such repository, revision or file, or not cached while offline; RUSTML_DATA_LOSS bytes that
 * are not what the hub announced; RUSTML_RESOURCE_EXHAUSTED disk. A stopped or failed download keeps what it has fetched; the
 * next one continues there.
 *
 * A call needs at most 64 KiB of the calling thread's stack, including what libcurl and OpenSSL need, and what
 * your callbacks need on top. */
#ifndef RUSTML_HUB_H
#define RUSTML_HUB_H

#include <rustml.h>
#include <stddef.h>
#include <stdint.h>

#ifndef RUSTML_HUB_API
#if defined(_WIN32) && !defined(RUSTML_STATIC)
#ifdef RUSTML_HUB_BUILDING_LIBRARY
#define RUSTML_HUB_API __declspec(dllexport)
#else
#define RUSTML_HUB_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define RUSTML_HUB_API __attribute__((visibility("default")))
#else
#define RUSTML_HUB_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* rustml_hub_options.flags */
#define RUSTML_HUB_OFFLINE 1u   /* make no connection at all, as HF_HUB_OFFLINE=1 does */
#define RUSTML_HUB_UPDATE 2u    /* ask the hub whether the revision has moved; otherwise what is cached wins */
#define RUSTML_HUB_NO_TOKEN 4u  /* send no token, whatever the environment says */
#define RUSTML_HUB_LIST_TEXT 8u /* rustml_hub_list: lines instead of JSON */

/* Where models come from and go to. */
typedef struct rustml_hub_options {
  uint32_t struct_size;
  uint32_t flags;        /* RUSTML_HUB_* */
  rustml_text endpoint;  /* empty: $HF_ENDPOINT, else https://huggingface.co */
  rustml_text cache_dir; /* empty: $HF_HUB_CACHE, else $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub */
  rustml_text token;     /* empty: $HF_TOKEN, else the file $HF_TOKEN_PATH, else $HF_HOME/token */
} rustml_hub_options;

/* The library's version, "1.0.0"; static. */
RUSTML_HUB_API const char *rustml_hub_version(void);
/* Writes the defaults into `size` bytes and sets struct_size. Returns RUSTML_INVALID_ARGUMENT for NULL or a bad size. */
RUSTML_HUB_API int32_t rustml_hub_options_init(rustml_hub_options *options, uint32_t size);

/* Fetches the files of a model that are not cached, and returns its local path: a folder, or a GGUF file (of a split one the
 * first part). PROGRESS events count bytes; a LOG event says whether the model is cached or downloaded. */
RUSTML_HUB_API int32_t rustml_hub_resolve(const char *id, uint64_t id_len, const rustml_hub_options *options, char *buf, uint64_t capacity,
                                          uint64_t *needed, const rustml_call_options *call, rustml_error **error);
/* What is cached, as JSON: {"cache":path,"repositories":[{"id","path","bytes","revisions":[{"commit","refs":[name],
 * "files":[{"name","bytes","blob"}]}]}]}. With RUSTML_HUB_LIST_TEXT one line for each revision: id@ref (or @commit), bytes
 * and number of files, with tabs between. */
RUSTML_HUB_API int32_t rustml_hub_list(const rustml_hub_options *options, char *buf, uint64_t capacity, uint64_t *needed,
                                       rustml_error **error);
/* Removes a repository with all its revisions, one revision (id with @), or one GGUF file from the cache; blobs that another
 * revision uses stay. `freed` (bytes) may be NULL. Returns RUSTML_NOT_FOUND if nothing of that id is cached. */
RUSTML_HUB_API int32_t rustml_hub_remove(const char *id, uint64_t id_len, const rustml_hub_options *options, uint64_t *freed,
                                         rustml_error **error);
/* Reads every cached file of the id and compares it with the SHA in its name. Returns RUSTML_DATA_LOSS if one is missing or
 * differs; the error's detail lists them: {"wrong":[{"file","blob","problem"}]}. `checked` (bytes) may be NULL. */
RUSTML_HUB_API int32_t rustml_hub_verify(const char *id, uint64_t id_len, const rustml_hub_options *options, uint64_t *checked,
                                         const rustml_call_options *call, rustml_error **error);

#ifdef __cplusplus
}
#endif
#endif /* RUSTML_HUB_H */
