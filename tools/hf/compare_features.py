"""Compares exported models with what linformer-predict features wrote of them.

    python3 tools/hf/compare_features.py EXPORTED FEATURES.safetensors [EXPORTED FEATURES ...]

Prints the largest relative difference (max |a - b| / max |b| over valid positions) of each model;
exit code 1 if one exceeds 1e-5. Needs torch, transformers and safetensors.
"""

import json
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification

TOLERANCE = 1e-5


def difference(ours, theirs):
    return ((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1e-30)).item()


def compare(folder, path):
    features = load_file(path)
    with open(folder + "/config.json", encoding="utf-8") as file:
        config = json.load(file)
    architecture = config["architectures"][0]
    masked_lm = architecture.endswith("ForMaskedLM")
    loader = AutoModelForMaskedLM if masked_lm else AutoModelForSequenceClassification
    model = loader.from_pretrained(folder, trust_remote_code=True, attn_implementation="eager")
    model.eval()
    mask = features["attention_mask"]
    ids = features["input_ids"]
    # Padding may hold any id, </s> too. (transformers' RoBERTa counts positions by ids.)
    if config["model_type"] == "linformer":
        ids = ids.masked_fill(mask == 0, 2)
    with torch.no_grad():
        output = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    valid = mask.bool()
    worst = 0.0
    for i, state in enumerate(output.hidden_states):
        worst = max(worst, difference(state[valid], features[f"hidden_states.{i}"][valid]))
    logits, expected = output.logits, features["logits"]
    if masked_lm:
        logits, expected = logits[valid], expected[valid]
    return max(worst, difference(logits, expected))


def main(arguments):
    failed = 0
    for folder, path in zip(arguments[::2], arguments[1::2]):
        worst = compare(folder, path)
        failed += worst > TOLERANCE
        print(f"{folder}: {worst:.1e}{'' if worst <= TOLERANCE else '  DIFFERS'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
