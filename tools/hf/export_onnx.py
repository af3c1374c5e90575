"""Writes an exported model as ONNX, and compares it with what linformer-predict features wrote.

    python3 tools/hf/export_onnx.py EXPORTED MODEL.onnx [FEATURES.safetensors]

The graph takes input_ids and attention_mask (B, N), for any B and for N of 2 to the model's n, and
gives logits. With FEATURES it is run on their rows with onnxruntime, each row alone and all
together; prints the largest relative difference (max |a - b| / max |b| over valid positions), exit
code 1 if it exceeds 1e-5. Needs torch 2.13, transformers, onnx and onnxscript; FEATURES also
onnxruntime and safetensors.
"""

import json
import sys

import torch
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification

TOLERANCE = 1e-5


def export(folder, path):
    with open(folder + "/config.json", encoding="utf-8") as file:
        config = json.load(file)
    masked_lm = config["architectures"][0].endswith("ForMaskedLM")
    loader = AutoModelForMaskedLM if masked_lm else AutoModelForSequenceClassification
    model = loader.from_pretrained(folder, trust_remote_code=True).eval()
    longest = config["max_position_embeddings"] - 2
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", min=2, max=longest)}
    ids = torch.full((2, min(longest, 32)), 5)
    torch.onnx.export(
        model,
        kwargs={"input_ids": ids, "attention_mask": torch.ones_like(ids)},
        f=path,
        dynamo=True,
        external_data=False,  # one file; weights of more than 2 GB need True
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_shapes={"input_ids": axes, "attention_mask": axes},
    )


def compare(path, features_path):
    import onnxruntime
    from safetensors.torch import load_file

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    features = load_file(features_path)
    ids, mask, expected = (features[key] for key in ("input_ids", "attention_mask", "logits"))
    worst = 0.0
    for rows in [*torch.eye(len(ids)).bool(), torch.ones(len(ids)).bool()]:
        length = int(mask[rows].sum(1).max())
        inputs = {"input_ids": ids[rows, :length], "attention_mask": mask[rows, :length]}
        given = {name: tensor.numpy() for name, tensor in inputs.items()}
        logits, theirs = torch.from_numpy(session.run(["logits"], given)[0]), expected[rows]
        if logits.dim() == 3:
            valid = mask[rows, :length].bool()
            logits, theirs = logits[valid], theirs[:, :length][valid]
        worst = max(worst, ((logits - theirs).abs().max() / expected.abs().max()).item())
    return worst


def main(arguments):
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    export(*arguments[:2])
    if len(arguments) == 2:
        return 0
    worst = compare(*arguments[1:])
    print(f"{arguments[1]}: {worst:.1e}{'' if worst <= TOLERANCE else '  DIFFERS'}")
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
