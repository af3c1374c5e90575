# cmake -DNM=nm -DOBJECTS=file;... -DNAME=avx512 -P loop_symbols.cmake: the objects of a version of the
# CPU's loops define its table, and no function that a linker sees. An inline function among them could
# become the copy of the whole program, which would then need this version's instructions.
foreach(object ${OBJECTS})
  execute_process(COMMAND ${NM} --extern-only --defined-only --format=posix ${object}
                  OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  # Lines are "name type value size"; the types of functions are T and W.
  string(REGEX MATCHALL "[^\n]+ [TWiu] [^\n]*" functions "${output}")
  foreach(function ${functions})
    message(SEND_ERROR "${object} defines a function: ${function}\n"
      "  fix: what the loops of src/kernels/cpu/loops call has to be inlined or static")
  endforeach()
  if(output MATCHES "N9linformer3cpu[0-9]+${NAME}5loopsE ")
    set(found TRUE)
  endif()
endforeach()
if(NOT found)
  message(SEND_ERROR "no table of loops in ${OBJECTS}")
endif()
