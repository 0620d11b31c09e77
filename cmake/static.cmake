# librustml.a: one relocatable object of every room in which only rustml_* are global, so that nothing of it meets another
# library's or the program's own symbols. Groups are dissolved because the linker drops a group whose name it has met before, also
# one that is local here. The machine code beside link-time optimization's is taken (-ffat-lto-objects).
if(NOT CMAKE_EXECUTABLE_FORMAT STREQUAL ELF)
  message(FATAL_ERROR "RUSTML_STATIC is for ELF systems only; set RUSTML_STATIC=OFF")
endif()
set(objects)
foreach(room ${RUSTML_ROOMS} api)
  list(APPEND objects $<TARGET_OBJECTS:rustml_${room}>)
endforeach()
list(APPEND objects $<TARGET_OBJECTS:rustml_cjson>)
set(object ${CMAKE_CURRENT_BINARY_DIR}/rustml.o)
add_custom_command(OUTPUT ${object}
  COMMAND ${CMAKE_LINKER} -r --force-group-allocation -o rustml_rooms.o ${objects}
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=rustml_* --remove-section=.gnu.lto_* --strip-unneeded rustml_rooms.o ${object}
  COMMAND ${CMAKE_COMMAND} -E rm rustml_rooms.o
  DEPENDS ${objects} COMMENT "Making one object of librustml.a" COMMAND_EXPAND_LISTS VERBATIM)

add_library(rustml-static STATIC ${object})
add_library(rustml::rustml-static ALIAS rustml-static)
# The libraries of deps.cmake, by name: a program links those of its own system.
target_link_libraries(rustml-static INTERFACE tbb ${pcre2_LIBRARIES} ${utf8proc_LIBRARIES} ${xxhash_LIBRARIES} stdc++ m pthread)
target_compile_definitions(rustml-static INTERFACE RUSTML_STATIC)
set_target_properties(rustml-static PROPERTIES OUTPUT_NAME rustml LINKER_LANGUAGE C INTERPROCEDURAL_OPTIMIZATION OFF)
