# Run while installing: completion scripts and manual pages, as the programs print them.
# programs: their paths in the build. share: the folder for shared data.
file(MAKE_DIRECTORY "${share}/bash-completion/completions" "${share}/zsh/site-functions"
     "${share}/man/man1")
foreach(program ${programs})
  cmake_path(GET program FILENAME name)
  execute_process(COMMAND "${program}" --completion bash COMMAND_ERROR_IS_FATAL ANY
                  OUTPUT_FILE "${share}/bash-completion/completions/${name}")
  execute_process(COMMAND "${program}" --completion zsh COMMAND_ERROR_IS_FATAL ANY
                  OUTPUT_FILE "${share}/zsh/site-functions/_${name}")
  execute_process(COMMAND "${program}" --man-page COMMAND_ERROR_IS_FATAL ANY
                  OUTPUT_FILE "${share}/man/man1/${name}.1")
endforeach()
