# cJSON, built in from its source (scripts/setup_cjson) with hidden names. Of a shared libcjson there is one in a process, so a host's
# cJSON_InitHooks would choose our allocator, and ours its.
set(RUSTML_CJSON "$ENV{RUSTML_CJSON}" CACHE PATH "folder with cjson/cJSON.c, cjson/cJSON.h and copyright")
if(NOT RUSTML_CJSON)
  set(RUSTML_CJSON "$ENV{HOME}/.cache/rustml/cjson" CACHE PATH "" FORCE)
endif()
if(NOT EXISTS ${RUSTML_CJSON}/copyright)
  message(FATAL_ERROR "cJSON's source is not in ${RUSTML_CJSON}: scripts/setup_cjson puts it there, or set RUSTML_CJSON to a folder with "
    "cjson/cJSON.c, cjson/cJSON.h and copyright")
endif()
file(STRINGS ${RUSTML_CJSON}/cjson/cJSON.h numbers REGEX "#define CJSON_VERSION_(MAJOR|MINOR|PATCH) ")
list(TRANSFORM numbers REPLACE "[^0-9]" "")
list(JOIN numbers "." cjson_VERSION)
