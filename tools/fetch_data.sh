#!/usr/bin/env bash
# Fetches published data sets and puts them where the programs look for them; see --help.
set -euo pipefail

readonly tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  cat <<'TEXT'
usage: tools/fetch_data.sh NAME... [--output DIR] [--mirror DIR|URL]

Fetches data sets from their publishers, checks size and SHA-256, and unpacks them below --output:
glue/CoLA, glue/SST-2, ..., imdb, wikitext-2, wikitext-103. Then use, for example:
  linformer-finetune --task sst-2 --data DIR ...
  linformer-report paper --sources DIR ...
An interrupted download continues when the same command is run again. A data set appears under its
name only when it is complete. One that is there already is checked and kept.

  NAME          a data set of --list, or `glue` for all of GLUE
  --output DIR  folder of the data sets (default: data)
  --mirror DIR  take them from this folder instead, where they are unpacked (glue/CoLA, imdb, ...) or
                as the publishers' archives (CoLA.zip). If it has a MANIFEST.tsv, each file is checked
                against the size and SHA-256 there.
  --mirror URL  take the archives from URL/NAME-OF-ARCHIVE (http://, https:// or file://)
  --table FILE  another list of data sets (default: data_sources.tsv beside this script)
  --list        lists the data sets and their sizes, and ends
  -h, --help    shows this text
TEXT
}

say() { printf 'fetch_data: %s\n' "$*" >&2; }
fail() {
  printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2
  exit "${3:-1}"
}
wrong_usage() { fail "$1" "$2" 2; }
need() {
  command -v "$1" >/dev/null || fail "the program $1 is missing" "install it, e.g. apt-get install $2"
}

output=data mirror= table=$tools/data_sources.tsv list= names=()
while (($# > 0)); do
  case "$1" in
    --output | --mirror | --table)
      (($# > 1)) && [[ -n $2 ]] || wrong_usage "$1 needs a value" "tools/fetch_data.sh --help shows how"
      printf -v "${1#--}" %s "$2"
      shift
      ;;
    --list) list=1 ;;
    -h | --help) usage && exit 0 ;;
    -*) wrong_usage "$1 is no option" "tools/fetch_data.sh --help lists the options" ;;
    *) names+=("$1") ;;
  esac
  shift
done

[[ $mirror == / ]] || mirror=${mirror%/}

# ---- which data sets there are -------------------------------------------------------------------

[[ -r $table ]] || fail "$table cannot be read" "give the list of data sets with --table"
# rows NAME: its lines of the table.
rows() { awk -F'\t' -v name="$1" '!/^#/ && $1 == name' "$table"; }
known_names() { awk -F'\t' '!/^#/ && NF && !seen[$1]++ { print $1 }' "$table"; }
glue_names() { awk -F'\t' '!/^#/ && $2 ~ "^glue/" && !seen[$1]++ { print $1 }' "$table"; }
# Spelled as in the table: SST-2, sst2 and sst_2 are one name.
spelled() {
  local name plain
  plain=$(tr -d '_-' <<<"${1,,}")
  for name in $(known_names); do
    [[ $(tr -d '_-' <<<"$name") != "$plain" ]] || { echo "$name" && return; }
  done
}
# These have a folder in a mirror at most.
by_hand=(wikipedia-en bookcorpus novels hyperpartisan)

if [[ -n $list ]]; then
  awk -F'\t' '
    function size(bytes) {
      return bytes == "-" ? "unknown" : sprintf(bytes < 1e6 ? "%.2f MB" : "%.0f MB", bytes / 1e6)
    }
    /^#/ || !NF { next }
    !($1 in target) { order[++n] = $1; target[$1] = $2 }
    { if ($5 == "-") bytes[$1] = "-"; else if (bytes[$1] != "-") bytes[$1] += $5
      if ($6 == "-") unchecked[$1] = "; no checksum is published" }
    END {
      for (i = 1; i <= n; i++) {
        name = order[i]
        printf "%-14s %10s  to %s%s\n", name, size(bytes[name]), target[name], unchecked[name]
      }
    }' "$table"
  printf '%-14s %10s  all whose folder is glue/...\n' glue ""
  printf '%s\n' "Only from a --mirror, or by hand (docs/data.md): ${by_hand[*]}"
  exit 0
fi
((${#names[@]} > 0)) || wrong_usage "no data set is named" "name one of: glue $(known_names | tr '\n' ' ')"

wanted=()
for name in "${names[@]}"; do
  found=$(spelled "$name")
  if [[ -n $found ]]; then
    wanted+=("$found")
  elif [[ $name == glue ]]; then
    mapfile -t -O "${#wanted[@]}" wanted < <(glue_names)
  elif [[ -n $mirror && -d $mirror/$name ]]; then
    wanted+=("$name")
  else
    case "$name" in
      wikipedia* | wiki) wrong_usage "$name is no single file: one chooses a dump and extracts its text" \
        'docs/data.md, "Wikipedia", has the commands' ;;
      book*) wrong_usage "BookCorpus is no longer distributed by its authors" \
        'take other books, e.g. PG-19: docs/data.md, "Books", has the commands' ;;
      *) wrong_usage "there is no data set $name" "name one of: glue $(known_names | tr '\n' ' ')" ;;
    esac
  fi
done

# ---- getting one archive -------------------------------------------------------------------------

is_url() { [[ $1 == *://* ]]; }
bytes_of() { stat -c %s "$1" 2>/dev/null || echo 0; }
sum_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# enough_space FOLDER BYTES WHAT
enough_space() {
  local free
  free=$(df --output=avail -B1 "$1" | tail -n 1)
  ((free >= $2)) || fail "$3 needs $(($2 / 1000000 + 1)) MB, and $1 has $((free / 1000000)) MB left" \
    "free some space there, or choose another folder with --output"
}

# The sum that the first download of an archive had, if none is published.
recorded_sum() {
  [[ ! -f $output/recorded-sums.tsv ]] ||
    awk -F'\t' -v archive="$1" '$1 == archive { print $2; exit }' "$output/recorded-sums.tsv"
}

# is_right FILE BYTES SHA256: sets `problem` if it is not.
is_right() {
  local bytes sum
  bytes=$(bytes_of "$1")
  if [[ $2 != - && $bytes != "$2" ]]; then
    problem="has $bytes bytes, and should have $2"
    return 1
  fi
  [[ $3 != - ]] || return 0
  sum=$(sum_of "$1")
  [[ $sum == "$3" ]] || problem="has the SHA-256 $sum, and should have $3"
  [[ $sum == "$3" ]]
}

# transfer URL FILE [OPTION...]: curl's exit code; the server's answer is in `answer` (000 without HTTP).
transfer() {
  local status=0 progress=(--silent)
  [[ ! -t 2 ]] || progress=(--progress-bar)
  answer=$(curl "${progress[@]}" --show-error --fail --location --connect-timeout 20 \
    --speed-limit 1000 --speed-time 60 --retry 3 --write-out '%{http_code}' "${@:3}" \
    --output "$2" "$1") || status=$?
  return "$status"
}

# download URL FILE BYTES: continues FILE.part.
download() {
  local part=$2.part status=0 answer
  if [[ $3 != - ]]; then
    (($(bytes_of "$part") <= $3)) || rm -f "$part" # not of this file
    (($(bytes_of "$part") < $3)) || return 0
    enough_space "$cache" $(($3 - $(bytes_of "$part"))) "the rest of ${2##*/}"
  fi
  [[ ! -s $part ]] || say "${2##*/}: continues at $(bytes_of "$part") bytes"
  transfer "$1" "$part" --continue-at - || status=$?
  # The server cannot continue (33, 36), or knows no such place in the file (416).
  if [[ -s $part ]] && { ((status == 33 || status == 36)) || [[ $answer == 416 ]]; }; then
    say "${2##*/}: cannot be continued, so from the beginning"
    rm -f "$part"
    status=0
    transfer "$1" "$part" || status=$?
  fi
  case "$status" in
    0) return 0 ;;
    22) problem="the server answers $answer" ;;
    23) enough_space "$cache" $((1 << 24)) "${2##*/}" # most often a full disk
      problem="could not be written to $part" ;;
    *) problem="curl failed ($status)" ;;
  esac
  return 1
}

# get_archive ARCHIVE BYTES SHA256 URLS: leaves it as $cache/ARCHIVE.
get_archive() {
  local archive=$1 bytes=$2 sum=$3 file=$cache/$1 url urls recorded= problem= problems=
  read -r -a urls <<<"$4"
  if [[ $sum == - ]]; then
    recorded=$(recorded_sum "$archive")
    sum=${recorded:--}
  fi
  if is_url "${mirror:-}"; then
    urls=("$mirror/$archive")
  elif [[ -n $mirror ]]; then
    [[ -f $mirror/$archive ]] || fail "$mirror has neither the data set's folder nor $archive" \
      "give the folder above glue/, imdb/ and so on, or one with the publishers' archives"
    urls=("file://$(realpath "$mirror/$archive")")
  fi
  need curl curl
  if [[ -f $file ]] && is_right "$file" "$bytes" "$sum"; then return; fi
  rm -f "$file"
  for url in "${urls[@]}"; do
    for attempt in 1 2; do
      say "$archive: from $url"
      download "$url" "$file" "$bytes" || break
      if is_right "$file.part" "$bytes" "$sum"; then
        mv "$file.part" "$file"
        if [[ $3 == - && -z $recorded ]]; then
          say "$archive: no checksum is published; keeping that of this download for later checks"
          printf '%s\t%s\t%s\n' "$archive" "$(sum_of "$file")" "$url" >>"$output/recorded-sums.tsv"
        fi
        return
      fi
      rm -f "$file.part" # damaged, or what another server left: once more from the beginning
    done
    say "$archive: $url: $problem"
    problems+="$url: $problem; "
  done
  fail "$archive was not fetched: ${problems%; }" "check the network and run the same command again, which \
continues; or fetch the file yourself and give its folder as --mirror"
}

# ---- unpacking: each recipe fills the folder $unpacked -------------------------------------------

recipe_unzip() {
  need unzip unzip
  local archive=$cache/${archives[0]} folder=$1 bytes
  bytes=$(unzip -Zt "$archive" 2>/dev/null | sed -nE 's/.* ([0-9]+) bytes uncompressed.*/\1/p') || bytes=
  enough_space "$work" "${bytes:-0}" "unpacking ${archives[0]}"
  unzip -q "$archive" -x '__MACOSX/*' '*/.DS_Store' -d "$work/archive" 2>"$work/log" || (($? == 11)) ||
    fail "${archives[0]} cannot be unpacked: $(head -n 1 "$work/log")" "run the same command again"
  [[ -d $work/archive/$folder ]] || fail "${archives[0]} has no folder $folder" \
    "if the publisher changed it, correct $table"
  mv "$work/archive/$folder"/* "$unpacked/"
}

recipe_file() { cp "$cache/${archives[0]}" "$unpacked/$1"; }

# GLUE's dev set are those pairs of the publisher's training file that mrpc_dev_ids.tsv names. The
# publisher's test file has labels, and its rows are in the order of GLUE's.
recipe_mrpc() {
  local train=$cache/msr_paraphrase_train.txt ids=$cache/mrpc_dev_ids.tsv
  LC_ALL=C awk -F'\t' -v train="$unpacked/train.tsv" -v dev="$unpacked/dev.tsv" '
    { sub(/\r$/, "") }
    NR == FNR { is_dev[$1 "\t" $2] = 1; next }
    FNR == 1 { sub(/^\357\273\277/, ""); print > train; print > dev; next }
    { print > (($2 "\t" $3) in is_dev ? dev : train) }' "$ids" "$train"
  cp "$cache/msr_paraphrase_test.txt" "$unpacked/"
  (($(wc -l <"$unpacked/dev.tsv") > 1)) || fail "no pair of mrpc_dev_ids.tsv is in msr_paraphrase_train.txt" \
    "the two files do not belong together: remove $cache and run the same command again"
}

# One review a file (LABEL/ID_RATING.txt) becomes one row; negative ones first, each by its id.
recipe_imdb() {
  need zstd zstd
  local folder=$work/archive/aclImdb part sign
  mkdir "$work/archive"
  tar -xzf "$cache/${archives[0]}" -C "$work/archive" 2>"$work/log" ||
    fail "${archives[0]} cannot be unpacked: $(head -n 1 "$work/log")" "run the same command again"
  reviews() { # FOLDER COLUMNS
    find "$1" -name '*.txt' -printf '%f\n' | sort -n | sed "s|^|$1/|" | tr '\n' '\0' |
      LC_ALL=C xargs -0 awk -v columns="$2" '
        function row() {
          if (!named) return
          gsub(/[\t\r]/, " ", text)
          print id "\t" (columns == "labelled" ? rating "\t" (rating > 5) "\t" : "") text
        }
        FNR == 1 {
          row()
          named = 1; text = ""
          file = FILENAME; sub(/.*\//, "", file); split(file, parts, /[_.]/)
          id = parts[1]; rating = parts[2]
        }
        { text = text (FNR > 1 ? " " : "") $0 }
        END { row() }'
  }
  for part in train test; do
    {
      printf 'id\trating\tlabel\ttext\n'
      for sign in neg pos; do reviews "$folder/$part/$sign" labelled; done
    } | zstd -q -o "$unpacked/$part.tsv.zst"
  done
  { printf 'id\ttext\n' && reviews "$folder/train/unsup" unlabelled; } |
    zstd -q -o "$unpacked/unsup.tsv.zst"
  [[ ! -f $folder/README ]] || cp "$folder/README" "$unpacked/README.aclImdb.txt"
}

# ---- one data set --------------------------------------------------------------------------------

# The files of a mirror, each checked against its MANIFEST.tsv.
copy_from_mirror() {
  local from=$1 file path line bytes sum problem
  enough_space "$work" "$(du -sb "$from" | cut -f 1)" "${from##*/}"
  cp -rL "$from/." "$unpacked/"
  if [[ ! -f $mirror/MANIFEST.tsv ]]; then
    say "$mirror has no MANIFEST.tsv, so its files are copied unchecked"
    return
  fi
  while IFS= read -r -d '' file; do
    path=${from#"$mirror"/}/${file#"$unpacked"/}
    line=$(awk -F'\t' -v path="$path" '$1 == path { print $2 "\t" $3; exit }' "$mirror/MANIFEST.tsv")
    if [[ -z $line ]]; then
      say "$path is not in $mirror/MANIFEST.tsv, so it is copied unchecked"
      continue
    fi
    IFS=$'\t' read -r bytes sum <<<"$line"
    is_right "$file" "$bytes" "$sum" ||
      fail "$mirror/$path $problem" "the mirror is damaged: make it anew, or leave out --mirror"
  done < <(find "$unpacked" -type f -print0)
}

# Where a mirror has a data set unpacked, if it does.
folder_in_mirror() {
  local folder
  [[ -n $mirror ]] && ! is_url "$mirror" || return 0
  for folder in "$mirror/$1" "$mirror/${1#glue/}"; do
    [[ ! -d $folder ]] || { echo "$folder" && return; }
  done
}

fetch() {
  local name=$1 target recipe archive bytes sum urls from problem
  IFS=$'\t' read -r _ target recipe _ < <(rows "$name") || true
  target=${target:-$name}
  local final=$output/$target
  if [[ -f $final/SHA256SUMS ]]; then
    (cd "$final" && sha256sum --check --quiet --strict SHA256SUMS >/dev/null 2>&1) || fail \
      "$final was changed since it was fetched: its files differ from its SHA256SUMS" \
      "remove the folder and run the same command again"
    say "$name: $final is there already, and its checksums are right"
    return
  fi
  [[ ! -e $final ]] || fail "$final exists, but was not made by this script" \
    "move it away, or choose another --output"

  work=$(mktemp -d "$cache/unpack.XXXXXX")
  unpacked=$work/folder
  mkdir "$unpacked"
  from=$(folder_in_mirror "$target")
  archives=()
  if [[ -n $from ]]; then
    say "$name: from $from"
    copy_from_mirror "$from"
    # WikiText's publisher has plain files, and the configurations' commands name them.
    if [[ -n $(find "$unpacked" -name '*.tokens.zst') ]]; then
      need zstd zstd
      find "$unpacked" -name '*.tokens.zst' -exec zstd -q -d --rm -- {} +
    fi
  else
    while IFS=$'\t' read -r _ _ _ archive bytes sum urls; do
      get_archive "$archive" "$bytes" "$sum" "$urls"
      archives+=("$archive")
    done < <(rows "$name")
    say "$name: unpacking"
    # shellcheck disable=SC2086
    "recipe_${recipe%% *}" ${recipe#"${recipe%% *}"}
  fi
  (cd "$unpacked" && find . -type f ! -name SHA256SUMS -printf '%P\0' | sort -z | xargs -0 sha256sum) \
    >"$work/SHA256SUMS"
  [[ -s $work/SHA256SUMS ]] || fail "$name has no files" "see the messages above"
  mv "$work/SHA256SUMS" "$unpacked/SHA256SUMS"
  mkdir -p "$(dirname "$final")"
  mv "$unpacked" "$final"
  rm -rf "$work"
  for archive in "${archives[@]}"; do rm -f "$cache/$archive"; done
  say "$name: $final ($(du -sh "$final" | cut -f 1))"
  [[ -z $(find "$final" -name '*.part*' -o -name '*.prefix.*') ]] ||
    say "$name: some of its files are only a part of the published ones (.part, .prefix): its figures do not compare"
}

# What a data set is for, as a command.
next_step() {
  local config
  case $1 in
    wikitext-*)
      config=configs/pretrain/wikitext2-tiny.yaml
      [[ $1 == wikitext-2 ]] || config=configs/pretrain/wikitext103.yaml
      local part
      part=$(find "$output/$1" -name '*train.prefix.*' -print -quit)
      say "next: the commands in the comment of $config${part:+, with ${part##*/} as the training text}"
      ;;
    ax) say "next: linformer-finetune --task mnli --data $output/glue --model MODEL --output runs/mnli" ;;
    imdb) say "next: linformer-finetune --task imdb --data $output/imdb --model MODEL --output runs/imdb" ;;
    hyperpartisan)
      say "next: linformer-finetune --task $1 --data $output/$1 --model MODEL --output runs/$1"
      ;;
    *)
      [[ " $(glue_names | tr '\n' ' ')" != *" $1 "* ]] ||
        say "next: linformer-finetune --task $1 --data $output/glue --model MODEL --output runs/$1"
      ;;
  esac
}

if [[ -n $mirror ]] && ! is_url "$mirror"; then
  [[ -d $mirror ]] || fail "$mirror is no folder" "give a folder or a URL to --mirror"
fi
mkdir -p "$output" 2>/dev/null || fail "$output cannot be made" "choose another folder with --output"
readonly cache=$output/.fetch
mkdir -p "$cache" 2>/dev/null || fail "$output cannot be written" "choose another folder with --output"
exec 9>"$cache/lock"
flock -n 9 || fail "another run is fetching into $output" "wait until it is done"
rm -rf "$cache"/unpack.* # of a run that was killed
work=
trap '[[ -z $work ]] || rm -rf "$work"' EXIT
for name in "${wanted[@]}"; do fetch "$name"; done
next_step "${wanted[-1]}"
rm -f "$cache/lock"
rmdir "$cache" 2>/dev/null || true # archives of an interrupted run may be left
