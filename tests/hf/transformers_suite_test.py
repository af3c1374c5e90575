"""transformers' own tests of its models, for the Linformers of tools/hf/modeling_linformer.py.

tools/hf/test.sh runs them: PYTHONPATH has to hold the source distribution of the transformers that
is installed, whose tests/ has the suite.
"""

import sys
import types
import unittest
from unittest import mock

import transformers
from hf_support import CLASSES, VARIANTS, make_config, module
from transformers.models.auto import modeling_auto


def stand_in(name, **contents):
    """A module that the suite imports and the source distribution does not have."""
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(contents, __path__=[])


stand_in("tests.generation")
stand_in("tests.generation.test_utils", GenerationTesterMixin=type("GenerationTesterMixin", (), {}))
stand_in("tests.exporters")
stand_in("tests.exporters.test_export", ExportTesterMixin=type("ExportTesterMixin", (), {}))
stand_in("tests.utils")
stand_in(
    "tests.utils.test_configuration_utils",
    config_common_kwargs={
        "return_dict": False,
        "output_hidden_states": True,
        "output_attentions": True,
        "chunk_size_feed_forward": 5,
        "architectures": ["LinformerModel"],
        "finetuning_task": "translation",
        "id2label": {0: "label"},
        "label2id": {"label": "0"},
        "problem_type": "regression",
    },
)

from tests.test_configuration_common import ConfigTester  # noqa: E402
from tests.test_modeling_common import (  # noqa: E402
    ModelTesterMixin,
    ids_tensor,
    random_attention_mask,
)

# As AutoModel knows transformers' own models. By these names the suite finds which class has labels.
transformers.AutoConfig.register("linformer", module.LinformerConfig)
for auto, names, model in (
    ("AutoModel", "MODEL_MAPPING_NAMES", module.LinformerModel),
    ("AutoModelForMaskedLM", "MODEL_FOR_MASKED_LM_MAPPING_NAMES", module.LinformerForMaskedLM),
    (
        "AutoModelForSequenceClassification",
        "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES",
        module.LinformerForSequenceClassification,
    ),
):
    getattr(transformers, auto).register(module.LinformerConfig, model)
    getattr(modeling_auto, names)["linformer"] = model.__name__


# Tests of 4.48 that set initializer_range to 0 and then look for weights that are neither 0 nor 1. E,
# F and the convolution start as linformer-train starts them, whatever that range; weights_test.py
# looks at them.
FIRST_WEIGHTS = (
    "test_initialization",
    "test_mismatched_shapes_have_properly_initialized_weights",
)


class LinformerTester:
    """What the suite asks for: a small configuration and a batch."""

    batch_size = 13
    seq_length = 7
    is_training = True
    num_hidden_layers = 2
    num_attention_heads = 4
    hidden_size = 32

    def __init__(self, variant):
        self.variant = variant
        config = self.get_config()
        linformer = config.attention_type(0) == "linformer"
        self.key_length = max(config.projected_lengths(0)) if linformer else self.seq_length

    def get_config(self):
        return make_config(self.variant)

    def prepare_config_and_inputs_for_common(self):
        config = self.get_config()
        shape = (self.batch_size, self.seq_length)
        inputs = {
            "input_ids": ids_tensor(shape, config.vocab_size),
            "attention_mask": random_attention_mask(shape),
        }
        if config.type_vocab_size > 0:
            inputs["token_type_ids"] = ids_tensor(shape, config.type_vocab_size)
        return config, inputs


class LinformerSuite(ModelTesterMixin):
    variant = None
    all_model_classes = CLASSES
    test_head_masking = False
    test_pruning = False

    def setUp(self):
        if self._testMethodName in FIRST_WEIGHTS:
            for start in ("start_projection", "start_convolution"):
                zeros = mock.patch.object(module, start, lambda weight, *_: weight.zero_())
                zeros.start()
                self.addCleanup(zeros.stop)
        self.model_tester = LinformerTester(self.variant)
        self.config_tester = ConfigTester(self, config_class=module.LinformerConfig, hidden_size=32)

    def test_inputs_embeds(self):
        if self.model_tester.get_config().to_dict().get("classifier_pooling") == "pair_mean":
            # It finds the two texts by their ids, and says so: module_test.py.
            self.all_model_classes = self.all_model_classes[:2]
        super().test_inputs_embeds()

    def test_config(self):
        self.config_tester.run_common_tests()


for variant in VARIANTS:
    name = f"Linformer{variant.capitalize()}Test"
    globals()[name] = type(name, (LinformerSuite, unittest.TestCase), {"variant": variant})
