# Installs the build, moves the installation, builds tests/architecture/consumer and the example
# docs/examples/finetune_from_cpp against it, and runs these and the installed programs; then the
# programs of a build folder whose clone was moved. Called by ctest with BUILD_DIR, SOURCE_DIR and
# WORK_DIR.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output
                  ERROR_VARIABLE errors)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed (${status}): ${ARGN}\n${output}\n${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

# Runs the programs of a folder, which have to find LibTorch under `root`, and nowhere else.
function(check_programs folder root)
  file(GLOB programs "${folder}/linformer-*")
  if(NOT programs)
    message(FATAL_ERROR "no program is in ${folder}")
  endif()
  set(libtorch_users)
  foreach(program ${programs})
    run("${program}" --version)
    if(NOT output MATCHES "[0-9]+\\.[0-9]+\\.[0-9]+")
      message(FATAL_ERROR "${program} --version printed: ${output}")
    endif()
    # An empty element would be the folder in which the program is started.
    run(readelf --dynamic --wide "${program}")
    string(REGEX MATCH "R(UN)?PATH\\)[^[]*\\[([^]]*)\\]" found "${output}")
    set(run_path "${CMAKE_MATCH_2}")
    string(FIND "${run_path}" "${SOURCE_DIR}" in_clone)
    if(NOT run_path MATCHES "^\\$ORIGIN/[^:]+(:[^:]+)*$" OR NOT in_clone EQUAL -1)
      message(FATAL_ERROR "${program} looks for libraries in \"${run_path}\"")
    endif()
    run(${CMAKE_COMMAND} -E env LD_TRACE_LOADED_OBJECTS=1 "${program}")
    string(REGEX MATCHALL "libtorch[^ ]* => [^ ]+|libc10[^ ]* => [^ ]+|libgomp[^ ]* => [^ ]+" used
                          "${output}")
    foreach(library ${used})
      string(REGEX REPLACE ".* => " "" file "${library}")
      cmake_path(NORMAL_PATH file)
      cmake_path(IS_PREFIX root "${file}" inside)
      if(NOT inside)
        message(FATAL_ERROR "${program} loads ${file}, not one under ${root}")
      endif()
    endforeach()
    if(used)
      list(APPEND libtorch_users "${program}")
    endif()
  endforeach()
  if(NOT libtorch_users)
    message(FATAL_ERROR "no program of ${folder} uses LibTorch")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
run(${CMAKE_COMMAND} --install "${BUILD_DIR}" --prefix "${WORK_DIR}/prefix")
file(RENAME "${WORK_DIR}/prefix" "${WORK_DIR}/moved")
check_programs("${WORK_DIR}/moved/bin" "${WORK_DIR}/moved")
function(build_consumer folder name)
  run(${CMAKE_COMMAND} -S "${SOURCE_DIR}/${folder}" -B "${WORK_DIR}/${name}" -G Ninja
      -DCMAKE_BUILD_TYPE=Release "-DCMAKE_PREFIX_PATH=${WORK_DIR}/moved")
  run(${CMAKE_COMMAND} --build "${WORK_DIR}/${name}")
endfunction()
build_consumer(tests/architecture/consumer consumer)
run("${WORK_DIR}/consumer/consumer")
if(NOT output MATCHES "parameters [1-9][0-9]*")
  message(FATAL_ERROR "the consumer printed: ${output}")
endif()

# The example learns the sentiment of the sample corpus from a model that the installed programs make.
build_consumer(docs/examples/finetune_from_cpp example)
set(sample "${WORK_DIR}/sample")
set(bin "${WORK_DIR}/moved/bin")
run("${bin}/linformer-data" sample --output "${sample}" --megabytes 0.5)
run("${bin}/linformer-data" tokenizer --input "${sample}/train.txt" --vocab-size 1000
    --output "${sample}/tokenizer.model")
foreach(part train valid)
  run("${bin}/linformer-data" prepare --input "${sample}/${part}.txt" --output "${sample}/${part}"
      --tokenizer "${sample}/tokenizer.model")
endforeach()
file(WRITE "${sample}/pretrain.yaml" "
run: {dir: ${sample}/run}
tokenizer: {model: ${sample}/tokenizer.model}
data: {train: [${sample}/train], valid: [${sample}/valid]}
model:
  {hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 128,
   max_sequence_length: 128, attention: {projected_length: 32}}
training:
  {precision: fp32, max_steps: 60, global_batch_size: 8, micro_batch_size: 8, learning_rate: 2.0e-3,
   schedule: {type: constant}}
")
# One thread: a model of this size gains nothing from more, and loses much on a busy machine.
set(ENV{OMP_NUM_THREADS} 1)
run("${bin}/linformer-train" --config "${sample}/pretrain.yaml")
run("${WORK_DIR}/example/finetune_from_cpp" "${sample}/run" "${sample}/labelled-train.tsv"
    "${sample}/sentiment" "a text")
if(NOT output MATCHES "accuracy ([0-9.]+), most frequent class ([0-9.]+)\n(positive|negative) [0-9.]+\n$")
  message(FATAL_ERROR "the example printed: ${output}")
endif()
if(NOT CMAKE_MATCH_1 GREATER CMAKE_MATCH_2)
  message(FATAL_ERROR "the example learned nothing: ${output}")
endif()
execute_process(COMMAND "${WORK_DIR}/example/finetune_from_cpp" "${sample}/nowhere"
                        "${sample}/labelled-train.tsv" "${sample}/other" "a text"
                RESULT_VARIABLE status ERROR_VARIABLE errors OUTPUT_QUIET)
if(NOT status EQUAL 1 OR NOT errors MATCHES "nowhere.*fix: ")
  message(FATAL_ERROR "the example ended with ${status} and said: ${errors}")
endif()

# A moved clone: the programs and the link to LibTorch as the build left them, and .deps.
cmake_path(IS_PREFIX SOURCE_DIR "${BUILD_DIR}" build_is_inside)
if(build_is_inside)
  file(RELATIVE_PATH build "${SOURCE_DIR}" "${BUILD_DIR}")
  file(MAKE_DIRECTORY "${WORK_DIR}/clone/.deps" "${WORK_DIR}/clone/${build}/bin")
  file(CREATE_LINK "${SOURCE_DIR}/.deps/libtorch" "${WORK_DIR}/clone/.deps/libtorch" SYMBOLIC)
  file(COPY "${BUILD_DIR}/lib" DESTINATION "${WORK_DIR}/clone/${build}")
  file(GLOB programs "${BUILD_DIR}/bin/linformer-*")
  file(COPY ${programs} DESTINATION "${WORK_DIR}/clone/${build}/bin")
  check_programs("${WORK_DIR}/clone/${build}/bin" "${WORK_DIR}/clone")
  file(READ_SYMLINK "${WORK_DIR}/clone/${build}/lib/linformer/libtorch/lib" target)
  cmake_path(IS_PREFIX SOURCE_DIR "${target}" leads_back)
  if(leads_back)
    message(FATAL_ERROR "a moved clone uses LibTorch of the old place, ${target}")
  endif()
else()
  message(STATUS "the build folder is not in the clone: moving the clone does not move it")
endif()
file(REMOVE_RECURSE "${WORK_DIR}")
