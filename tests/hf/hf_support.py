"""The module of tools/hf as the tests load it, and the models and rows that they try."""

import importlib.util
import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

MODULE = Path(__file__).resolve().parents[2] / "tools" / "hf" / "modeling_linformer.py"

# Small, and every part of the module is in one of them.
SIZES = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
    "max_position_embeddings": 26,  # n = 24
}
VARIANTS = {
    "headwise": {"attention": {"projected_length": 4}},
    "untied": {
        "attention": {"projected_length": 4, "sharing": "none", "order": "sequence_first"},
        "tie_word_embeddings": False,
    },
    "layerwise": {
        "attention": {
            "projected_length": 4,
            "sharing": "layerwise",
            "value_convolution": 3,
            "rescale_padding": True,
            "init": "block_average",
        },
        "norm_position": "pre",
        "norm_type": "rms_norm",
        "hidden_act": "swiglu",
    },
    "lengths": {
        "attention": {"projected_length": [[2, 4, 8, 4], [8]], "sharing": "none", "init": "jl"},
        "hidden_act": "geglu",
    },
    "convolution": {
        "attention": {
            "projected_length": 4,
            "projection": "conv",
            "convolution_mixing": "head",
            "init": "strided",
        },
        "norm_position": "pre",
        "type_vocab_size": 2,
    },
    "pooling": {
        "attention": {"projected_length": 8, "projection": "max_pool", "sharing": "key_value"},
        "hidden_act": "gelu_new",
        "classifier_pooling": "mean",
    },
    "mixed": {
        "attention": {
            "type": ["linformer", "local_window"],
            "projected_length": 4,
            "projection": "mean_pool",
            "attention_window": 4,
        },
        "classifier_pooling": "pair_mean",
    },
    "strided": {
        "attention": {"projected_length": 4, "projection": "strided", "sharing": "none"},
    },
    "standard": {"attention": {"type": "standard"}, "type_vocab_size": 1},
}


def load_module():
    """As an ordinary module. transformers' suite tries the first weights of a model only where a
    copyright of 2023 or later stands in its file."""
    if "modeling_linformer" not in sys.modules:
        path = Path(tempfile.mkdtemp()) / MODULE.name
        path.write_text("# Copyright 2026\n" + MODULE.read_text("utf-8"), "utf-8")
        spec = importlib.util.spec_from_file_location("modeling_linformer", path)
        sys.modules["modeling_linformer"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["modeling_linformer"])
    return sys.modules["modeling_linformer"]


def make_config(variant, **settings):
    return load_module().LinformerConfig(**{**SIZES, **VARIANTS[variant], **settings})


module = load_module()
CLASSES = (
    module.LinformerModel,
    module.LinformerForMaskedLM,
    module.LinformerForSequenceClassification,
)
LENGTHS = (10, 7, 4)


def batch(padding="right", vocab_size=90):
    """Three rows of 10, 7 and 4 tokens, two texts each (0 ... 2 2 ... 2), and the mask."""
    torch.manual_seed(5)
    ids = torch.ones(len(LENGTHS), max(LENGTHS), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(LENGTHS):
        tokens = torch.randint(3, vocab_size, (length,))
        tokens[0], tokens[-1] = 0, 2
        if length > 4:
            tokens[3:5] = 2
        begin = 0 if padding == "right" else ids.size(1) - length
        ids[row, begin : begin + length] = tokens
        mask[row, begin : begin + length] = 1
    return ids, mask


def make_model(cls, variant, **settings):
    torch.manual_seed(7)
    model = cls(make_config(variant, **settings)).eval()
    with torch.no_grad():  # biases and norms too: nothing is zero or one
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def logits_of(model, **inputs):
    with torch.no_grad():
        return model(**inputs).logits


class Folder:
    """An exported model: the module beside config.json and the weights, and no __init__.py."""

    def __init__(self, model):
        self.path = Path(tempfile.mkdtemp())
        model.save_pretrained(self.path)
        shutil.copy(MODULE, self.path)
        config = json.loads((self.path / "config.json").read_text("utf-8"))
        config["auto_map"] = {
            "AutoConfig": "modeling_linformer.LinformerConfig",
            "AutoModel": "modeling_linformer.LinformerModel",
            "AutoModelForMaskedLM": "modeling_linformer.LinformerForMaskedLM",
            "AutoModelForSequenceClassification": (
                "modeling_linformer.LinformerForSequenceClassification"
            ),
        }
        (self.path / "config.json").write_text(json.dumps(config), "utf-8")

    def weights(self):
        return load_file(self.path / "model.safetensors")

    def keep(self, weights):
        save_file(weights, self.path / "model.safetensors", metadata={"format": "pt"})
