# Installs the build into a temporary prefix, builds tests/architecture/consumer against it, and runs
# that and the installed programs. Called by ctest with BUILD_DIR, SOURCE_DIR and WORK_DIR.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output
                  ERROR_VARIABLE errors)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed (${status}): ${ARGN}\n${output}\n${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
run(${CMAKE_COMMAND} --install "${BUILD_DIR}" --prefix "${WORK_DIR}/prefix")
run(${CMAKE_COMMAND} -S "${SOURCE_DIR}/tests/architecture/consumer" -B "${WORK_DIR}/build" -G Ninja
    -DCMAKE_BUILD_TYPE=Release "-DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix")
run(${CMAKE_COMMAND} --build "${WORK_DIR}/build")
run("${WORK_DIR}/build/consumer")
if(NOT output MATCHES "parameters [1-9][0-9]*")
  message(FATAL_ERROR "the consumer printed: ${output}")
endif()

file(GLOB programs "${WORK_DIR}/prefix/bin/linformer-*")
if(NOT programs)
  message(FATAL_ERROR "no program was installed")
endif()
foreach(program ${programs})
  run("${program}" --version)
  if(NOT output MATCHES "[0-9]+\\.[0-9]+\\.[0-9]+")
    message(FATAL_ERROR "${program} --version printed: ${output}")
  endif()
endforeach()
file(REMOVE_RECURSE "${WORK_DIR}")
