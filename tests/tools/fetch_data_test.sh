#!/usr/bin/env bash
# tools/fetch_data.sh without a network: archives made here are served as file://, mirrors are folders.
# usage: fetch_data_test.sh SOURCE_DIR [PROGRAMS_DIR]
set -euo pipefail

readonly source_dir=$1 programs=${2:-}
readonly work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# ---- checks --------------------------------------------------------------------------------------

failures=0
wrong() {
  printf '%s: line %s: %s\n--- output\n%s\n' "$0" "${BASH_LINENO[1]}" "$1" "$(cat "$work/log" 2>/dev/null)" >&2
  failures=$((failures + 1))
}
# fetch STATUS ARGUMENT...: runs the script, which has to end with this status.
fetch() {
  local expected=$1 status=0
  shift
  "$source_dir/tools/fetch_data.sh" "$@" >"$work/log" 2>&1 || status=$?
  [[ $status == "$expected" ]] || wrong "exit code $status of: $*"
}
says() { grep -qF -- "$1" "$work/log" || wrong "says not: $1"; }
says_not() { ! grep -qF -- "$1" "$work/log" || wrong "says: $1"; }
same() { cmp -s "$1" "$2" || wrong "$1 differs from $2"; }
absent() { [[ ! -e $1 ]] || wrong "$1 exists"; }
# stub NAME SCRIPT: a program in stubs/, for a PATH that begins with it.
stub() {
  mkdir -p stubs
  printf '#!/bin/bash\n%s\n' "$2" >"stubs/$1"
  chmod +x "stubs/$1"
}

# ---- archives as the publishers have them, and a table of them -----------------------------------

mkdir -p archives CoLA/original __MACOSX aclImdb/{train/{pos,neg,unsup},test/{pos,neg}}
for row in 1 2 3 4 5 6; do
  printf 'gj04\t%d\t\tSentence %d is here .\n' $((row % 2)) "$row"
done >CoLA/train.tsv
head -n 4 CoLA/train.tsv >CoLA/dev.tsv
printf 'index\tsentence\n0\tA test .\n' >CoLA/test.tsv
head -c 300000 /dev/urandom >CoLA/original/noise # so that a half of the archive is not all of it
echo x >__MACOSX/._CoLA
python3 -m zipfile -c archives/CoLA.zip CoLA __MACOSX

readonly header=$'Quality\t#1 ID\t#2 ID\t#1 String\t#2 String'
printf '\xef\xbb\xbf%s\r\n1\t11\t12\tOne "a\tTwo\r\n0\t21\t22\tThree\tFour\r\n1\t22\t21\tFive\tSix\r\n' \
  "$header" >archives/msr_paraphrase_train.txt
printf '%s\r\n1\t31\t32\tSeven\tEight\r\n' "$header" >archives/msr_paraphrase_test.txt
printf '21\t22\r\n' >archives/mrpc_dev_ids.tsv

printf 'Good\tfilm.<br /><br />Yes' >aclImdb/train/pos/0_9.txt
printf 'Fine, \xc2\x85really' >aclImdb/train/pos/10_7.txt
printf 'Late' >aclImdb/train/pos/9_10.txt
printf 'Bad "film' >aclImdb/train/neg/0_2.txt
printf 'Poor.\nVery.\n' >aclImdb/train/neg/1_1.txt
printf 'Not labelled' >aclImdb/train/unsup/0_0.txt
printf 'Nice' >aclImdb/test/pos/0_8.txt
printf 'Dull' >aclImdb/test/neg/0_4.txt
echo 'about it' >aclImdb/README
tar -czf archives/aclImdb_v1.tar.gz aclImdb

# table ARCHIVE FIELD...: one line; size and sum are those of the archive unless given.
line() { # NAME TARGET RECIPE ARCHIVE [BYTES SHA256 [URLS]]
  local file=archives/$4
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "${5:-$(stat -c %s "$file")}" \
    "${6:-$(sha256sum "$file" | cut -d ' ' -f 1)}" "${7:-file://$work/archives/$4}"
}
{
  echo '# a comment'
  line cola glue/CoLA 'unzip CoLA' CoLA.zip
  line mrpc glue/MRPC mrpc msr_paraphrase_train.txt
  line mrpc glue/MRPC mrpc msr_paraphrase_test.txt
  line mrpc glue/MRPC mrpc mrpc_dev_ids.tsv
  line imdb imdb imdb aclImdb_v1.tar.gz
} >table.tsv

# ---- usage ---------------------------------------------------------------------------------------

fetch 0 --help && says 'usage: '
fetch 2 && says 'no data set is named' && says 'wikitext-103'
fetch 2 colla --output out && says "no data set colla" && says 'sst-2' && absent out
fetch 2 wikipedia && says 'docs/data.md'
fetch 2 bookcorpus && says 'no longer distributed'
fetch 2 cola --output && says '--output needs a value'
fetch 2 cola --fast && says '--fast is no option'
fetch 1 cola --mirror nowhere && says 'nowhere is no folder'
fetch 0 --list
for name in cola sst-2 mrpc sts-b qqp mnli qnli rte wnli ax imdb wikitext-2 wikitext-103 glue; do
  says "$name "
done
# The shipped table: seven fields, whole sizes, and sums of 64 digits.
awk -F'\t' '!/^#/ && (NF != 7 || $5 !~ /^([0-9]+|-)$/ || ($6 != "-" && ($6 !~ /^[0-9a-f]+$/ || length($6) != 64)) ||
  $7 !~ /^https:/) { print; bad = 1 } END { exit bad }' "$source_dir/tools/data_sources.tsv" ||
  wrong 'the shipped table has the lines above'

# ---- archives ------------------------------------------------------------------------------------

fetch 0 CoLA mrpc IMDB --table table.tsv --output out
for file in train.tsv dev.tsv test.tsv original/noise; do same "CoLA/$file" "out/glue/CoLA/$file"; done
absent out/.fetch
printf '%s\n1\t11\t12\tOne "a\tTwo\n1\t22\t21\tFive\tSix\n' "$header" >expected
same expected out/glue/MRPC/train.tsv
printf '%s\n0\t21\t22\tThree\tFour\n' "$header" >expected
same expected out/glue/MRPC/dev.tsv
same archives/msr_paraphrase_test.txt out/glue/MRPC/msr_paraphrase_test.txt
zstd -qd out/imdb/*.zst
printf '%s\n' $'id\trating\tlabel\ttext' $'0\t2\t0\tBad "film' $'1\t1\t0\tPoor. Very.' \
  $'0\t9\t1\tGood film.<br /><br />Yes' $'9\t10\t1\tLate' $'10\t7\t1\tFine, \xc2\x85really' >expected
same expected out/imdb/train.tsv
printf '%s\n' $'id\trating\tlabel\ttext' $'0\t4\t0\tDull' $'0\t8\t1\tNice' >expected
same expected out/imdb/test.tsv
printf '%s\n' $'id\ttext' $'0\tNot labelled' >expected
same expected out/imdb/unsup.tsv
rm out/imdb/*.tsv

# What is there is checked and kept; what was changed is refused.
fetch 0 cola --table table.tsv --output out && says 'there already'
echo more >>out/glue/CoLA/dev.tsv
fetch 1 cola --table table.tsv --output out && says 'was changed since' && says 'fix: remove'
mkdir -p made/glue/CoLA
fetch 1 cola --table table.tsv --output made && says 'was not made by this script'

# ---- interruptions -------------------------------------------------------------------------------

# Killed in the middle of a download: the rest is fetched, not all of it.
readonly size=$(stat -c %s archives/CoLA.zip)
stub curl "while [[ \$1 != --output ]]; do shift; done
head -c $((size / 2)) $work/archives/CoLA.zip >\"\$2\"
kill -9 \$PPID"
PATH=$work/stubs:$PATH fetch 137 cola --table table.tsv --output killed
rm stubs/curl
absent killed/glue
[[ $(stat -c %s killed/.fetch/CoLA.zip.part) == $((size / 2)) ]] || wrong 'no half of the archive'
fetch 0 cola --table table.tsv --output killed
says "continues at $((size / 2)) bytes"
same CoLA/train.tsv killed/glue/CoLA/train.tsv
absent killed/.fetch

# Killed in the middle of unpacking: the archive is there, and nothing half unpacked is.
stub unzip "while [[ \$1 != -d ]]; do [[ \$1 != -Zt ]] || exit 0; shift; done
mkdir -p \"\$2/CoLA\" && echo half >\"\$2/CoLA/train.tsv\"
kill -9 \$PPID"
PATH=$work/stubs:$PATH fetch 137 cola --table table.tsv --output unpacking
rm stubs/unzip
absent unpacking/glue
fetch 0 cola --table table.tsv --output unpacking
says_not 'from file://'
same CoLA/train.tsv unpacking/glue/CoLA/train.tsv
absent unpacking/.fetch

# A part that is of another file, longer or not, is fetched anew.
for bytes in 1000 $((size + 1)) "$size"; do
  rm -rf foreign && mkdir -p foreign/.fetch
  head -c "$bytes" /dev/zero >foreign/.fetch/CoLA.zip.part
  fetch 0 cola --table table.tsv --output foreign
  same CoLA/train.tsv foreign/glue/CoLA/train.tsv
done

# ---- failures ------------------------------------------------------------------------------------

readonly zeros=$(printf '0%.0s' {1..64})
line cola glue/CoLA 'unzip CoLA' CoLA.zip "$size" "$zeros" >wrong-sum.tsv
fetch 1 cola --table wrong-sum.tsv --output failed
says 'has the SHA-256' && says "should have $zeros" && says 'fix: '
absent failed/glue
absent failed/.fetch/CoLA.zip
line cola glue/CoLA 'unzip CoLA' CoLA.zip $((size + 5)) >wrong-size.tsv
fetch 1 cola --table wrong-size.tsv --output failed
says "has $size bytes, and should have $((size + 5))"
line cola glue/CoLA 'unzip CoLA' CoLA.zip "" "" "file://$work/nowhere.zip" >no-url.tsv
fetch 1 cola --table no-url.tsv --output failed
says 'nowhere.zip: curl failed'
# The second address serves if the first one does not.
line cola glue/CoLA 'unzip CoLA' CoLA.zip "" "" "file://$work/nowhere.zip file://$work/archives/CoLA.zip" >urls.tsv
fetch 0 cola --table urls.tsv --output second
same CoLA/train.tsv second/glue/CoLA/train.tsv

stub df 'echo Avail; echo 1000'
PATH=$work/stubs:$PATH fetch 1 cola --table table.tsv --output full
says 'MB left' && says 'fix: free some space' && absent full/glue
rm stubs/df
mkdir -p few
for program in bash awk tr head cut stat dirname mkdir mktemp rm rmdir flock realpath sha256sum df du tail cat; do
  ln -sf "$(command -v "$program")" "few/$program"
done
PATH=$work/few fetch 1 cola --table table.tsv --output lacking
says 'the program curl is missing' && says 'apt-get install curl'

# Two runs at once into one folder.
mkdir -p busy/.fetch
exec 8>busy/.fetch/lock
flock 8
fetch 1 cola --table table.tsv --output busy && says 'another run'
exec 8>&-

# Without a published sum, that of the first download counts from then on.
line cola glue/CoLA 'unzip CoLA' CoLA.zip - - >no-sum.tsv
fetch 0 cola --table no-sum.tsv --output recorded && says 'no checksum is published'
grep -q "^CoLA.zip"$'\t'"$(sha256sum archives/CoLA.zip | cut -d ' ' -f 1)" recorded/recorded-sums.tsv ||
  wrong 'the sum was not recorded'
rm -r recorded/glue
cp -r archives other && echo changed >>other/CoLA.zip
fetch 1 cola --table no-sum.tsv --output recorded --mirror "file://$work/other" && says 'has the SHA-256'
fetch 0 cola --table no-sum.tsv --output recorded --mirror "file://$work/archives"

# ---- mirrors -------------------------------------------------------------------------------------

mkdir -p mirror/glue/CoLA mirror/wikipedia-en mirror/glue/QQP
cp CoLA/*.tsv mirror/glue/CoLA/
printf 'Title\n\nText .\n' >mirror/wikipedia-en/valid.txt
printf 'id\n' >mirror/glue/QQP/train.part.tsv
fetch 0 cola --mirror mirror --output unchecked && says 'copied unchecked'
same CoLA/dev.tsv unchecked/glue/CoLA/dev.tsv
{
  printf 'path\tbytes\tsha256\trows\tunit\n'
  (cd mirror && find glue wikipedia-en -type f -exec sh -c 'printf "%s\t%s\t%s\t1\trows\n" "$1" \
    "$(stat -c %s "$1")" "$(sha256sum "$1" | cut -d " " -f 1)"' _ {} \;)
} >MANIFEST.tsv
mv MANIFEST.tsv mirror/
fetch 0 cola wikipedia-en qqp --mirror mirror/ --output copied
says_not unchecked
same CoLA/dev.tsv copied/glue/CoLA/dev.tsv
same mirror/wikipedia-en/valid.txt copied/wikipedia-en/valid.txt
says 'qqp: some of its files are only a part'
# A compressed copy gets the name that the publisher's file has.
mkdir mirror/wikitext-2
printf ' = Title = \n' >wiki.train.tokens
zstd -q wiki.train.tokens -o mirror/wikitext-2/wiki.train.tokens.zst
fetch 0 wikitext-2 --mirror mirror --output copied
same wiki.train.tokens copied/wikitext-2/wiki.train.tokens
absent copied/wikitext-2/wiki.train.tokens.zst
fetch 0 wikitext-2 --mirror mirror --output copied && says 'there already'
sed -i s/Sentence/sentence/ mirror/glue/CoLA/train.tsv
fetch 1 cola --mirror mirror --output damaged
says 'glue/CoLA/train.tsv has the SHA-256' && says 'the mirror is damaged' && absent damaged/glue
# A folder of archives; the task's folder itself; a folder that lacks it.
fetch 0 cola --mirror archives --table table.tsv --output from-archives
same CoLA/train.tsv from-archives/glue/CoLA/train.tsv
fetch 0 cola --mirror mirror/glue --output from-glue && same CoLA/dev.tsv from-glue/glue/CoLA/dev.tsv
fetch 1 rte --mirror mirror --output lacking && says "neither the data set's folder nor RTE.zip"

# ---- a server that cannot continue a download ------------------------------------------------------

# It says its port, and ends with the test.
python3 -u -c '
import functools, http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1]))
print(server.server_address[1])
server.serve_forever()' "$work/archives" >port 2>server.log &
server=$!
trap 'kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
until [[ -s port ]]; do kill -0 "$server" && sleep 0.05; done
mkdir -p served/.fetch
head -c 1000 archives/CoLA.zip >served/.fetch/CoLA.zip.part
no_proxy=127.0.0.1 fetch 0 cola --table table.tsv --output served --mirror "http://127.0.0.1:$(cat port)/"
says 'cannot be continued, so from the beginning'
same CoLA/train.tsv served/glue/CoLA/train.tsv
line cola glue/CoLA 'unzip CoLA' absent.zip 5 "$zeros" >absent.tsv
no_proxy=127.0.0.1 fetch 1 cola --table absent.tsv --output served-absent --mirror "http://127.0.0.1:$(cat port)"
says 'the server answers 404'
# What is there of an archive is kept while the server fails.
mkdir -p served-absent/.fetch && echo -n par >served-absent/.fetch/absent.zip.part
no_proxy=127.0.0.1 fetch 1 cola --table absent.tsv --output served-absent --mirror "http://127.0.0.1:$(cat port)"
[[ $(cat served-absent/.fetch/absent.zip.part) == par ]] || wrong 'the beginning of the download is lost'

# ---- the programs find what was fetched ----------------------------------------------------------

if [[ -n $programs ]]; then
  rm -rf CoLA aclImdb out
  mkdir -p CoLA aclImdb/{train/{pos,neg,unsup},test/{pos,neg}}
  for row in {1..60}; do
    printf 'gj04\t%d\t\tSentence %d is here .\n' $((row % 2)) "$row" >>CoLA/train.tsv
    for part in train test; do
      printf 'Good film, %d' "$row" >"aclImdb/$part/pos/${row}_8.txt"
      printf 'Bad film, %d' "$row" >"aclImdb/$part/neg/${row}_2.txt"
    done
  done
  head -n 20 CoLA/train.tsv >CoLA/dev.tsv
  python3 -m zipfile -c archives/CoLA.zip CoLA
  echo 'Not labelled' >aclImdb/train/unsup/0_0.txt
  tar -czf archives/aclImdb_v1.tar.gz aclImdb
  line cola glue/CoLA 'unzip CoLA' CoLA.zip >table.tsv
  line imdb imdb imdb aclImdb_v1.tar.gz >>table.tsv
  fetch 0 cola imdb --table table.tsv --output out
  "$programs/linformer-finetune" --suite cola,imdb --baseline bag-of-words --data out --output fitted --markdown \
    --seeds 1 >log 2>&1 || wrong 'linformer-finetune failed'
  says '| cola | bag of words' && says '| imdb test | bag of words'
fi

if ((failures > 0)); then
  echo "$failures checks failed" >&2
  exit 1
fi
echo 'all checks passed'
