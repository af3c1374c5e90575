"""Linformer encoders of linformer-convert export, for transformers (4.48 or later).

    from transformers import AutoModelForMaskedLM
    model = AutoModelForMaskedLM.from_pretrained("exported-folder", trust_remote_code=True)

Written to be read beside docs/model.md: one formula a function, nothing fused. Letters in names:
B batch, N sequence, K projected, H heads, D head width, C hidden.
"""

import torch
import transformers
from torch import nn
from torch.nn import functional as F
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import (
    BaseModelOutput,
    MaskedLMOutput,
    SequenceClassifierOutput,
)

try:
    from transformers.modeling_layers import GradientCheckpointingLayer
except ImportError:  # before 4.52

    class GradientCheckpointingLayer(nn.Module):
        gradient_checkpointing = False

        def __call__(self, *inputs):
            if self.gradient_checkpointing and self.training:
                return self._gradient_checkpointing_func(super().__call__, *inputs)
            return super().__call__(*inputs)


# How GELU is computed, by hidden_act; transformers has three names for the tanh form.
GELU_FORMS = {
    "gelu": "none",
    "gelu_new": "tanh",
    "gelu_pytorch_tanh": "tanh",
    "gelu_fast": "tanh",
}
GATED = ("swiglu", "geglu")


class LinformerConfig(PretrainedConfig):
    model_type = "linformer"

    def __init__(
        self,
        vocab_size=16000,
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=1024,
        hidden_act="gelu",
        hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1,
        max_position_embeddings=514,
        layer_norm_eps=1e-5,
        norm_position="post",
        norm_type="layer_norm",
        type_vocab_size=0,
        initializer_range=0.02,
        tie_word_embeddings=True,
        attention=None,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        **kwargs,
    ):
        if hidden_act not in GELU_FORMS and hidden_act not in GATED:
            known = ", ".join([*GELU_FORMS, *GATED])
            raise ValueError(f"hidden_act {hidden_act!r} is not known: use one of {known}")
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.hidden_act = hidden_act
        self.hidden_dropout_prob = hidden_dropout_prob
        self.attention_probs_dropout_prob = attention_probs_dropout_prob
        self.max_position_embeddings = max_position_embeddings
        self.layer_norm_eps = layer_norm_eps
        self.norm_position = norm_position
        self.norm_type = norm_type
        self.type_vocab_size = type_vocab_size
        self.initializer_range = initializer_range
        self.attention = {
            "type": "linformer",
            "projected_length": 128,
            "projection": "linear",
            "sharing": "headwise",
            "order": "features_first",
            "convolution_mixing": "depthwise",
            "init": "normal",
            "train_projection": True,
            "value_convolution": 0,
            "attention_window": 128,
            "rescale_padding": False,
            **(attention or {}),
        }
        super().__init__(
            pad_token_id=pad_token_id,
            bos_token_id=bos_token_id,
            eos_token_id=eos_token_id,
            tie_word_embeddings=tie_word_embeddings,
            **kwargs,
        )

    @property
    def max_sequence_length(self):
        return self.max_position_embeddings - 2

    def attention_type(self, layer):
        types = self.attention["type"]
        return types[layer] if isinstance(types, list) and len(types) > 1 else _single(types)

    def projected_lengths(self, layer):
        """k of each head."""
        lengths = self.attention["projected_length"]
        if isinstance(lengths, list):
            lengths = lengths[layer] if len(lengths) > 1 else lengths[0]
        if isinstance(lengths, list) and len(lengths) > 1:
            return lengths
        return [_single(lengths)] * self.num_attention_heads


def _single(value):
    return value[0] if isinstance(value, list) else value


def _norm(config):
    if config.norm_type == "rms_norm":
        return RmsNorm(config.hidden_size, config.layer_norm_eps)
    return nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)


class RmsNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


class Embeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config.hidden_size
        self.padding_id = padding_id(config)
        self.word_embeddings = nn.Embedding(config.vocab_size, width, padding_idx=self.padding_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, width, padding_idx=1)
        if config.type_vocab_size > 0:
            self.token_type_embeddings = nn.Embedding(config.type_vocab_size, width)
        self.LayerNorm = _norm(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids, inputs_embeds, mask, token_type_ids, position_ids):
        """Positions count valid tokens from 2; padding is the padding token, whatever it holds."""
        if inputs_embeds is None:
            words = self.word_embeddings(input_ids.masked_fill(~mask, self.padding_id))
        else:
            padding = torch.full((1, 1), self.padding_id, device=mask.device)
            words = torch.where(mask.unsqueeze(-1), inputs_embeds, self.word_embeddings(padding))
        if position_ids is None:
            positions = mask.long().cumsum(1) * mask + 1
        else:
            positions = position_ids.expand(mask.shape).masked_fill(~mask, 1)
        x = words + self.position_embeddings(positions)
        if token_type_ids is not None:
            types = token_type_ids.expand(mask.shape).masked_fill(~mask, 0)
            x = x + self.segments(types, x)
        elif hasattr(self, "token_type_embeddings"):
            x = x + self.segments(torch.zeros_like(positions), x)
        return self.dropout(self.LayerNorm(x))

    def segments(self, types, x):
        """Without a table there is one segment, of zeros: 0 changes nothing, 1 is out of range."""
        if hasattr(self, "token_type_embeddings"):
            return self.token_type_embeddings(types)
        return F.embedding(types, x.new_zeros(1, 1))


def padding_id(config):
    return 1 if config.pad_token_id is None else config.pad_token_id


def valid_tokens(config, input_ids, inputs_embeds, attention_mask):
    """(B, N), true at tokens, false at padding."""
    if (input_ids is None) == (inputs_embeds is None):
        raise ValueError("give either input_ids or inputs_embeds, and not both")
    shape = inputs_embeds.shape[:2] if input_ids is None else input_ids.shape
    if shape[1] > config.max_sequence_length:
        raise ValueError(
            f"{shape[1]} tokens, the model takes at most {config.max_sequence_length}: "
            "cut the input, or use linformer-convert extend"
        )
    if attention_mask is None:
        if input_ids is None:
            return torch.ones(shape, dtype=torch.bool, device=inputs_embeds.device)
        return input_ids.ne(padding_id(config))
    if attention_mask.shape != shape:
        raise ValueError(
            f"attention_mask has the shape {tuple(attention_mask.shape)}, the input "
            f"{tuple(shape)}: give a mask of tokens, 1 or 0 each; a mask of pairs of tokens has no "
            "meaning where keys are projected"
        )
    return attention_mask.bool()


def take(x, order):
    """Rows of x (B, N, C) in the order (B, N)."""
    return x.gather(1, order.unsqueeze(-1).expand_as(x))


class LinearProjection:
    """Matrices E and F, (k, n); (H, k, n) with one pair a head (sharing none); or, where k differs
    between heads, (k_0 + k_1 + ..., n), head after head."""

    per_channel = False  # whether a head's weights act on its own channels

    def shape(self, config, layer):
        lengths, n = config.projected_lengths(layer), config.max_sequence_length
        if len(set(lengths)) > 1:
            return (sum(lengths), n)
        if config.attention["sharing"] == "none":
            return (config.num_attention_heads, lengths[0], n)
        return (lengths[0], n)

    def start(self, weight, config, layer):
        init, lengths = config.attention["init"], config.projected_lengths(layer)
        parts = weight.split(lengths) if len(set(lengths)) > 1 else [weight]
        for part, k in zip(parts, lengths):
            nn.init.normal_(part, 0.0, start_deviation(init, k))
            part += start_matrix(init, k, weight.size(-1)).to(weight)

    def project(self, rows, mask, weight, head, config, lengths):
        """Rows (B, N, *), zero at padding, to (B, K, *)."""
        matrix = weight[head] if weight.dim() == 3 else weight
        if len(set(lengths)) > 1:
            matrix = weight.split(lengths)[head]
        used = matrix.narrow(1, 0, rows.size(1))
        projected = used @ rows
        if not config.attention["rescale_padding"]:
            return projected
        whole = matrix.pow(2).sum(-1)
        part = mask.to(rows.dtype) @ used.pow(2).t()
        scale = torch.where(part > 0, (whole / torch.where(part > 0, part, 1.0)).sqrt(), 0.0)
        return projected * scale.unsqueeze(-1)


class StridedProjection(LinearProjection):
    """Matrices (H, k, n) that start as picks of every (n / k)-th position."""

    def start(self, weight, config, layer):
        heads, k, n = weight.shape
        stride = n // k
        weight.zero_()
        for head in range(heads):
            for i in range(k):
                weight[head, i, i * stride + (head + layer) % stride] = 1


class MeanPoolProjection:
    per_channel = False

    def shape(self, config, layer):
        """No parameters."""
        return None

    def project(self, rows, mask, weight, head, config, lengths):
        full, valid = windows(rows, mask, lengths[head], config.max_sequence_length)
        return full.sum(2) / valid.sum(2).clamp(min=1)


class MaxPoolProjection(MeanPoolProjection):
    def project(self, rows, mask, weight, head, config, lengths):
        full, valid = windows(rows, mask, lengths[head], config.max_sequence_length)
        return full.masked_fill(~valid, float("-inf")).amax(2).masked_fill(~valid.any(2), 0.0)


class ConvProjection:
    """Kernels of n / k taps, (C, 1, n/k), or (C, D, n/k) where the channels of a head mix."""

    per_channel = True

    def shape(self, config, layer):
        mixed = 1
        if config.attention["convolution_mixing"] == "head":
            mixed = config.hidden_size // config.num_attention_heads
        window = config.max_sequence_length // config.projected_lengths(layer)[0]
        return (config.hidden_size, mixed, window)

    def start(self, weight, config, layer):
        """A channel looks at itself."""
        init, k = config.attention["init"], config.projected_lengths(layer)[0]
        channels, mixed, window = weight.shape
        nn.init.normal_(weight, 0.0, start_deviation(init, k))
        own = torch.eye(mixed).repeat(channels // mixed, 1).unsqueeze(-1)
        weight += (own * start_matrix(init, 1, window)).to(weight)

    def project(self, rows, mask, weight, head, config, lengths):
        full, _ = windows(rows, mask, lengths[head], config.max_sequence_length)
        D = weight.size(0) // config.num_attention_heads
        taps = weight[head * D : (head + 1) * D]
        if taps.size(1) == 1:
            return torch.einsum("bkwc,cw->bkc", full, taps[:, 0])
        return torch.einsum("bkwd,cdw->bkc", full, taps)


PROJECTIONS = {
    "linear": LinearProjection(),
    "mean_pool": MeanPoolProjection(),
    "max_pool": MaxPoolProjection(),
    "conv": ConvProjection(),
    "strided": StridedProjection(),
}


def projection(config):
    return PROJECTIONS[config.attention["projection"]]


def windows(rows, mask, k, n):
    """Rows (B, N, *) and their mask as (B, k, n/k, *) and (B, k, n/k, 1)."""
    length = rows.size(1)
    full = F.pad(rows, (0, 0, 0, n - length)).unflatten(1, (k, n // k))
    return full, F.pad(mask, (0, n - length)).unflatten(1, (k, n // k)).unsqueeze(-1)


def start_projection(weight, config, layer):
    """What linformer-train starts E and F with."""
    projection(config).start(weight, config, layer)


class SelfAttention(nn.Module):
    def __init__(self, config, layer):
        super().__init__()
        self.config = config
        self.heads = config.num_attention_heads
        self.options = config.attention
        self.type = config.attention_type(layer)
        self.index = layer
        self.lengths = config.projected_lengths(layer)
        width = config.hidden_size
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)
        if self.type == "linformer" and self.options["sharing"] != "layerwise":
            shape = projection(config).shape(config, layer)
            if shape is not None:
                self.E = nn.Parameter(torch.empty(shape))
                if self.options["sharing"] in ("none", "headwise"):
                    self.F = nn.Parameter(torch.empty(shape))
        if self.options["value_convolution"] > 0:
            self.value_convolution = nn.Conv1d(
                width,
                width,
                self.options["value_convolution"],
                padding=self.options["value_convolution"] // 2,
                groups=width,
                bias=False,
            )

    def forward(self, x, mask, order, shared):
        """x (B, N, C), mask (B, N) -> (B, N, C), attention (B, H, N, K) or (B, H, N, N).

        E, F and the convolution belong to positions, so their rows go in the order: tokens first.
        """
        x = x.masked_fill(~mask.unsqueeze(-1), 0.0)
        query = self.split(self.query(x))
        if self.type == "linformer":
            rows, tokens = take(x, order), mask.gather(1, order)
            E = getattr(self, "E", shared)
            key = self.stack(self.projected(rows, tokens, self.key, E))
            value = self.stack(self.projected(rows, tokens, self.value, getattr(self, "F", E)))
        else:
            key, value = self.split(self.key(x)), self.split(self.value(x))
        heads, weights = self.attend(query, key, value, self.visible(mask, key.size(2)))
        output = heads.transpose(1, 2).flatten(2)
        if self.options["value_convolution"] > 0:
            full = take(self.value(x).masked_fill(~mask.unsqueeze(-1), 0.0), order)
            mixed = self.value_convolution(full.transpose(1, 2)).transpose(1, 2)
            output = output + take(mixed, torch.argsort(order, dim=1))
        return output, weights

    def visible(self, mask, length):
        """Which keys a query sees, as (B or 1, H or 1, N or 1, length); None: all."""
        if self.type == "linformer":
            if len(set(self.lengths)) == 1:
                return None
            lengths = torch.tensor(self.lengths, device=mask.device).view(1, -1, 1, 1)
            return torch.arange(length, device=mask.device) < lengths
        visible = mask[:, None, None, :]
        if self.type == "local_window":
            place = mask.long().cumsum(1)
            near = (place.unsqueeze(2) - place.unsqueeze(1)).abs()
            visible = visible & (near <= self.options["attention_window"] // 2).unsqueeze(1)
        return visible

    def attend(self, query, key, value, visible):
        """softmax(Q K^T / sqrt(D)) V of all heads; a query that sees nothing gives 0."""
        scores = query @ key.transpose(2, 3) / query.size(-1) ** 0.5
        if visible is not None:
            scores = scores.masked_fill(~visible, torch.finfo(scores.dtype).min)
        weights = torch.softmax(scores.float(), -1).to(scores.dtype)
        if visible is not None:
            weights = weights.masked_fill(~visible, 0.0)
        weights = self.dropout(weights)
        return weights @ value, weights

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def stack(self, heads):
        """Keys or values of each head, (B, K_h, D), as (B, H, K, D); short ones end with zeros."""
        longest = max(self.lengths)
        return torch.stack([F.pad(rows, (0, 0, 0, longest - rows.size(1))) for rows in heads], 1)

    def projected(self, x, mask, linear, weight):
        """Keys or values of each head: a list of (B, K, D)."""
        kind, heads = projection(self.config), range(self.heads)

        def project(rows, head):
            return kind.project(rows, mask, weight, head, self.config, self.lengths)

        if self.options["order"] == "features_first":
            rows = self.split(linear(x).masked_fill(~mask.unsqueeze(-1), 0.0))
            return [project(rows[:, h], h) for h in heads]
        if kind.per_channel:
            parts = self.split(x)
            mixed = torch.cat([project(parts[:, h], h) for h in heads], -1)
            return list(self.split(linear(mixed)).unbind(1))
        return [self.split(linear(project(x, h)))[:, h] for h in heads]


def start_convolution(weight):
    """What it adds has half the deviation of the values."""
    nn.init.normal_(weight, 0.0, 0.5 * weight.size(-1) ** -0.5)


def start_deviation(init, k):
    return {"normal": 0.02, "jl": k**-0.5}.get(init, 0.002)


def start_matrix(init, k, n):
    """(k, n), to which noise is added: averages of blocks, their middles, or nothing."""
    matrix = torch.zeros(k, n)
    for i in range(k):
        if init == "block_average":
            begin, end = i * n // k, (i + 1) * n // k
            matrix[i, begin:end] = 1 / (end - begin)
        elif init == "strided":
            matrix[i, (2 * i + 1) * n // (2 * k)] = 1
    return matrix


class Layer(GradientCheckpointingLayer):
    def __init__(self, config, layer):
        super().__init__()
        width, wide = config.hidden_size, config.intermediate_size
        self.act = config.hidden_act
        self.chunk = config.chunk_size_feed_forward
        self.pre_norm = config.norm_position == "pre"
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.attention = nn.ModuleDict(
            {
                "self": SelfAttention(config, layer),
                "output": nn.ModuleDict({"dense": nn.Linear(width, width), "LayerNorm": _norm(config)}),
            }
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, wide)})
        if self.act in GATED:
            self.intermediate["gate"] = nn.Linear(width, wide)
        self.output = nn.ModuleDict({"dense": nn.Linear(wide, width), "LayerNorm": _norm(config)})

    def attend(self, x, mask, order, shared):
        heads, weights = self.attention["self"](x, mask, order, shared)
        return self.dropout(self.attention["output"]["dense"](heads)), weights

    def feed_forward(self, x):
        """Of chunk_size_feed_forward positions at a time, to save memory; 0: all at once."""
        parts = x.split(self.chunk, 1) if self.chunk > 0 else [x]
        return torch.cat([self.feed_forward_part(part) for part in parts], 1)

    def feed_forward_part(self, x):
        wide = self.intermediate["dense"](x)
        if self.act == "swiglu":
            wide = F.silu(self.intermediate["gate"](x)) * wide
        elif self.act == "geglu":
            wide = F.gelu(self.intermediate["gate"](x)) * wide
        else:
            wide = F.gelu(wide, approximate=GELU_FORMS[self.act])
        return self.dropout(self.output["dense"](wide))

    def forward(self, x, mask, order, shared, output_attentions):
        """x (B, N, C) -> (B, N, C), and the attention if asked for."""
        first, second = self.attention["output"]["LayerNorm"], self.output["LayerNorm"]
        attended, weights = self.attend(first(x) if self.pre_norm else x, mask, order, shared)
        if self.pre_norm:
            x = x + attended
            x = x + self.feed_forward(second(x))
        else:
            x = first(x + attended)
            x = second(x + self.feed_forward(x))
        return x, weights if output_attentions else None


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        layers = range(config.num_hidden_layers)
        self.longest = config.max_sequence_length
        self.layer = nn.ModuleList([Layer(config, i) for i in layers])
        linformers = [i for i in layers if config.attention_type(i) == "linformer"]
        if config.attention["sharing"] == "layerwise" and linformers:
            self.index = linformers[0]
            shape = projection(config).shape(config, self.index)
            if shape is not None:
                self.E = nn.Parameter(torch.empty(shape))
        if config.norm_position == "pre":
            self.LayerNorm = _norm(config)

    def forward(self, x, mask, output_attentions):
        """x (B, N, C) -> states of L + 1 layers, attentions of L layers."""
        # Numbers without ties, since ONNX has no stable sort.
        place = torch.arange(mask.size(1), device=mask.device)
        order = torch.argsort(place + self.longest * ~mask, dim=1)
        states, attentions = [x], []
        for layer in self.layer:
            x, weights = layer(x, mask, order, getattr(self, "E", None), output_attentions)
            states.append(x)
            attentions.append(weights)
        if hasattr(self, "LayerNorm"):
            states[-1] = self.LayerNorm(x)
        return states, attentions


def fill(parameter, init, *arguments):
    """Missing weights alone: transformers marks those that it has loaded."""
    if not getattr(parameter, "_is_hf_initialized", False):
        init(parameter, *arguments)


class LinformerPreTrainedModel(PreTrainedModel):
    config_class = LinformerConfig
    base_model_prefix = "roberta"
    supports_gradient_checkpointing = True
    _no_split_modules = ["Embeddings", "Layer"]

    @classmethod
    def from_pretrained(cls, *arguments, **named):
        result = super().from_pretrained(*arguments, **named)
        # 5.x makes every weight that it loads one to train.
        (result[0] if isinstance(result, tuple) else result).freeze_projections()
        return result

    def post_init(self):
        super().post_init()
        self.freeze_projections()

    def freeze_projections(self):
        if not self.config.attention["train_projection"]:
            for name, parameter in self.named_parameters():
                if name.endswith((".E", ".F")):
                    parameter.requires_grad_(False)

    @torch.no_grad()
    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            fill(module.weight, nn.init.normal_, 0.0, self.config.initializer_range)
        elif isinstance(module, (nn.LayerNorm, RmsNorm)):
            fill(module.weight, nn.init.ones_)
        elif isinstance(module, nn.Conv1d):
            fill(module.weight, start_convolution)
        elif isinstance(module, (Encoder, SelfAttention)):
            for name in ("E", "F"):
                if hasattr(module, name):
                    fill(getattr(module, name), start_projection, self.config, module.index)
        if isinstance(getattr(module, "bias", None), nn.Parameter):
            fill(module.bias, nn.init.zeros_)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            fill(module.weight, lambda weight: weight[module.padding_idx].zero_())

    def option(self, name, given):
        """An argument of forward; config.json decides where it is not given."""
        return getattr(self.config, name) if given is None else given

    def returned(self, output, return_dict):
        # A traced model has no class of outputs.
        if self.option("return_dict", return_dict) and not getattr(self.config, "torchscript", False):
            return output
        return output.to_tuple()


def chosen(states, which):
    """All states, none, or those of some indices (of 5.x), the others None."""
    if isinstance(which, (list, tuple)):
        kept = {i % len(states) for i in which}
        return tuple(state if i in kept else None for i, state in enumerate(states))
    return tuple(states) if which else None


class LinformerModel(LinformerPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)
        self.post_init()

    def get_input_embeddings(self):
        return self.embeddings.word_embeddings

    def set_input_embeddings(self, embeddings):
        self.embeddings.word_embeddings = embeddings

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        token_type_ids=None,
        position_ids=None,
        inputs_embeds=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        mask = valid_tokens(self.config, input_ids, inputs_embeds, attention_mask)
        x = self.embeddings(input_ids, inputs_embeds, mask, token_type_ids, position_ids)
        output_attentions = self.option("output_attentions", output_attentions)
        states, attentions = self.encoder(x, mask, output_attentions)
        with_states = self.option("output_hidden_states", output_hidden_states)
        output = BaseModelOutput(
            last_hidden_state=states[-1],
            hidden_states=chosen(states, with_states),
            attentions=tuple(attentions) if output_attentions else None,
        )
        return self.returned(output, return_dict)


def mean_loss(function, outputs, labels, num_items_in_batch):
    """Trainer counts the labels of all micro-batches of a step; their losses then add up."""
    if num_items_in_batch is None:
        return function(outputs, labels)
    if torch.is_tensor(num_items_in_batch):
        num_items_in_batch = num_items_in_batch.to(outputs.device)
    return function(outputs, labels, reduction="sum") / num_items_in_batch


class MaskedLMHead(nn.Module):
    """The bias is the head's own, tied or not, as the files have it."""

    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.layer_norm = _norm(config)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def forward(self, x):
        return self.decoder(self.layer_norm(F.gelu(self.dense(x)))) + self.bias

    def resize_bias(self, size):
        """New tokens get the mean: neither likelier nor less likely than the others."""
        bias, trained = self.bias.detach(), self.bias.requires_grad
        if bias.numel() != size:
            added = bias.mean().expand(max(size - bias.numel(), 0))
            self.bias = nn.Parameter(torch.cat([bias[:size], added]), requires_grad=trained)


class LinformerWithHead(LinformerPreTrainedModel):
    """A LinformerModel, `roberta`, and what a head makes of it: its logits, loss and output_class."""

    accepts_loss_kwargs = True

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        token_type_ids=None,
        position_ids=None,
        inputs_embeds=None,
        labels=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
        num_items_in_batch=None,
    ):
        output = self.roberta(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        logits = self.logits(output[0], input_ids, inputs_embeds, attention_mask)
        loss = None
        if labels is not None:
            loss = self.loss(logits, labels.to(logits.device), num_items_in_batch)
        output = self.output_class(
            loss=loss,
            logits=logits,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )
        return self.returned(output, return_dict)


TIED_WEIGHTS = {"lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight"}


class LinformerForMaskedLM(LinformerWithHead):
    output_class = MaskedLMOutput
    # 5.0 and later ask what is tied to what, earlier ones which of the two is left out of the file.
    _tied_weights_keys = (
        TIED_WEIGHTS if int(transformers.__version__.split(".")[0]) >= 5 else list(TIED_WEIGHTS)
    )

    def __init__(self, config):
        super().__init__(config)
        self.roberta = LinformerModel(config)
        self.lm_head = MaskedLMHead(config)
        self.post_init()

    def get_output_embeddings(self):
        return self.lm_head.decoder

    def set_output_embeddings(self, embeddings):
        self.lm_head.decoder = embeddings

    def resize_token_embeddings(self, *arguments, **named):
        words = super().resize_token_embeddings(*arguments, **named)
        self.lm_head.resize_bias(words.num_embeddings)
        return words

    def logits(self, x, input_ids, inputs_embeds, attention_mask):
        return self.lm_head(x)

    def loss(self, logits, labels, num_items_in_batch):
        labels = labels.flatten().long()
        return mean_loss(F.cross_entropy, logits.flatten(0, 1), labels, num_items_in_batch)


def mean_over(x, tokens):
    tokens = tokens.to(x.dtype).unsqueeze(2)
    return (x * tokens).sum(1) / tokens.sum(1).clamp(min=1)


class ClassificationHead(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.pooling = getattr(config, "classifier_pooling", "cls")
        features = 4 if self.pooling == "pair_mean" else 1
        self.dense = nn.Linear(features * config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.out_proj = nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, x, mask, input_ids):
        if self.pooling == "mean":
            x = mean_over(x, mask)
        elif self.pooling == "pair_mean":
            is_end = (input_ids == 2) & mask.bool()  # padding may hold any id
            ends = is_end.cumsum(1)
            u = mean_over(x, mask.bool() & ~is_end & (ends == 0))
            v = mean_over(x, mask.bool() & ~is_end & (ends == 2))
            x = torch.cat([u, v, (u - v).abs(), u * v], 1)
        else:
            first = mask.long().argmax(1)  # the first token that is no padding
            x = x[torch.arange(x.size(0), device=x.device), first]
        x = torch.tanh(self.dense(self.dropout(x)))
        return self.out_proj(self.dropout(x))


class LinformerForSequenceClassification(LinformerWithHead):
    output_class = SequenceClassifierOutput

    def __init__(self, config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.roberta = LinformerModel(config)
        self.classifier = ClassificationHead(config)
        self.post_init()

    def logits(self, x, input_ids, inputs_embeds, attention_mask):
        if input_ids is None and self.classifier.pooling == "pair_mean":
            raise ValueError("pooling pair_mean finds the two texts by their </s>: give input_ids")
        mask = valid_tokens(self.config, input_ids, inputs_embeds, attention_mask)
        return self.classifier(x, mask, input_ids)

    def loss(self, logits, labels, num_items_in_batch):
        """By config.problem_type; where there is none, the labels decide it, as for RoBERTa."""
        if self.config.problem_type is None:
            whole_numbers = not (labels.is_floating_point() or labels.dtype == torch.bool)
            if self.num_labels == 1:
                self.config.problem_type = "regression"
            elif whole_numbers:
                self.config.problem_type = "single_label_classification"
            else:
                self.config.problem_type = "multi_label_classification"
        kind = self.config.problem_type
        if kind == "single_label_classification":
            labels = labels.flatten().long()
            return mean_loss(F.cross_entropy, logits, labels, num_items_in_batch)
        labels = labels.reshape(logits.shape).to(logits.dtype)
        if kind == "regression":
            return mean_loss(F.mse_loss, logits, labels, num_items_in_batch)
        return mean_loss(F.binary_cross_entropy_with_logits, logits, labels, num_items_in_batch)
