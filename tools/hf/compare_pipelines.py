"""Compares AutoTokenizer and the pipelines of transformers with linformer-predict.

    python3 tools/hf/compare_pipelines.py CASES.json

CASES.json is a list of {"exported": folder, "texts": [...], "pairs": [[a, b], ...], "features":
file, and "fill_mask" or "classify": file}: the features of the texts, then of the pairs, the
answers (--json) to the texts or to the pairs. Or {"exported": folder, "ids": file}, a list of
{"text": ..., "ids": [...]} without <s> and </s>. Prints the first differences; exit code 1 if there
are any. Needs torch, transformers and safetensors.
"""

import json
import sys

from safetensors.torch import load_file
from transformers import AutoTokenizer, pipeline

TOLERANCE = 1e-5
differences = []


def expect(same, *what):
    if not same:
        differences.append(what)


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def compare_ids(case, tokenizer):
    features = load_file(case["features"])
    rows = zip(features["input_ids"], features["attention_mask"].bool())
    wanted = [ids[mask].tolist() for ids, mask in rows]
    inputs = [(text,) for text in case["texts"]] + [tuple(pair) for pair in case["pairs"]]
    expect(len(wanted) == len(inputs), "rows", len(wanted), len(inputs))
    for texts, ids in zip(inputs, wanted):
        found = tokenizer(*texts)["input_ids"]
        expect(found == ids, case["exported"], texts, found, ids)
    for name, token in (("bos", "<s>"), ("cls", "<s>"), ("eos", "</s>"), ("sep", "</s>"),
                        ("pad", "<pad>"), ("unk", "<unk>"), ("mask", "<mask>")):  # fmt: skip
        expect(getattr(tokenizer, name + "_token") == token, case["exported"], name)
    ids = [getattr(tokenizer, name + "_token_id") for name in ("bos", "pad", "eos", "unk", "mask")]
    expect(ids == [0, 1, 2, 3, len(tokenizer) - 1], case["exported"], ids)


def compare_rows(case, tokenizer):
    with open(case["ids"], encoding="utf-8") as file:
        rows = json.load(file)
    expect(len(rows) > 0, "no rows", case["ids"])
    found = tokenizer([row["text"] for row in rows], add_special_tokens=False)["input_ids"]
    for row, ids in zip(rows, found):
        expect(ids == row["ids"], case["exported"], ascii(row["text"]), ids, row["ids"])


def compare_fill_mask(case, fill):
    for line in lines(case["fill_mask"]):
        found = fill(line["text"], top_k=len(line["masks"][0]["guesses"]))
        found = found if isinstance(found[0], list) else [found]
        expect(len(found) == len(line["masks"]), case["exported"], line["text"], "masks")
        for theirs, ours in zip(found, line["masks"]):
            for their, our in zip(theirs, ours["guesses"]):
                close = abs(their["score"] - our["probability"]) <= TOLERANCE
                expect(
                    close and their["token"] == our["id"], case["exported"], line["text"], their, our
                )


def compare_classify(case, classify):
    answers = lines(case["classify"])
    expect(len(answers) == len(case["pairs"]), "answers", len(answers))
    for (text, pair), line in zip(case["pairs"], answers):
        found = classify({"text": text, "text_pair": pair}, top_k=None)
        if "value" in line:
            expect(abs(found[0]["score"] - line["value"]) <= TOLERANCE, case["exported"], found, line)
            continue
        found = {answer["label"]: answer["score"] for answer in found}
        expect(len(found) == len(line["labels"]), case["exported"], found, line)
        for answer in line["labels"]:
            close = abs(found.get(answer["label"], -1.0) - answer["probability"]) <= TOLERANCE
            expect(close, case["exported"], (text, pair), found, line)


def main(path):
    with open(path, encoding="utf-8") as file:
        cases = json.load(file)
    for case in cases:
        folder = case["exported"]
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
        if "ids" in case:
            compare_rows(case, tokenizer)
            continue
        compare_ids(case, tokenizer)
        task = "fill-mask" if "fill_mask" in case else "text-classification"
        predict = pipeline(task, model=folder, trust_remote_code=True, device="cpu")
        if "fill_mask" in case:
            compare_fill_mask(case, predict)
        else:
            compare_classify(case, predict)
    for difference in differences[:20]:
        print("DIFFERS", *difference)
    print(f"{len(cases)} models, {len(differences)} differences")
    return 1 if differences or not cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
