"""Linformer encoders of linformer-convert export, for transformers (4.40 or later).

    from transformers import AutoModelForMaskedLM
    model = AutoModelForMaskedLM.from_pretrained("exported-folder", trust_remote_code=True)

Written to be read beside docs/model.md: one formula a function, nothing fused. Letters in names:
B batch, N sequence, K projected, H heads, D head width, C hidden.
"""

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import (
    BaseModelOutput,
    MaskedLMOutput,
    SequenceClassifierOutput,
)


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
        **kwargs,
    ):
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
            "value_convolution": 0,
            "attention_window": 128,
            "rescale_padding": False,
            **(attention or {}),
        }
        kwargs.setdefault("pad_token_id", 1)
        kwargs.setdefault("bos_token_id", 0)
        kwargs.setdefault("eos_token_id", 2)
        super().__init__(tie_word_embeddings=tie_word_embeddings, **kwargs)

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
        self.word_embeddings = nn.Embedding(config.vocab_size, width, padding_idx=1)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, width, padding_idx=1)
        if config.type_vocab_size > 0:
            self.token_type_embeddings = nn.Embedding(config.type_vocab_size, width)
        self.LayerNorm = _norm(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids, mask, token_type_ids):
        """Positions count valid tokens from 2; padding is the padding token, whatever id it has."""
        ids = input_ids.masked_fill(~mask, 1)
        positions = mask.long().cumsum(1) * mask + 1
        x = self.word_embeddings(ids) + self.position_embeddings(positions)
        if hasattr(self, "token_type_embeddings"):
            types = torch.zeros_like(ids) if token_type_ids is None else token_type_ids
            x = x + self.token_type_embeddings(types.masked_fill(~mask, 0))
        return self.dropout(self.LayerNorm(x))


class SelfAttention(nn.Module):
    def __init__(self, config, layer):
        super().__init__()
        self.config = config
        self.heads = config.num_attention_heads
        self.options = config.attention
        self.type = config.attention_type(layer)
        self.lengths = config.projected_lengths(layer)
        width = config.hidden_size
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)
        if self.type == "linformer" and self.options["sharing"] != "layerwise":
            shape = projection_shape(config, layer)
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

    def forward(self, x, mask, shared):
        """x (B, N, C), mask (B, N) -> (B, N, C)."""
        valid = mask.unsqueeze(-1)
        x = x.masked_fill(~valid, 0.0)
        query = self.split(self.query(x))
        if self.type == "linformer":
            E = getattr(self, "E", shared)
            key = self.projected(x, mask, self.key, E)
            value = self.projected(x, mask, self.value, getattr(self, "F", E))
            heads = [self.attend(query[:, h], key[h], value[h], None) for h in range(self.heads)]
        else:
            visible = mask.unsqueeze(1).expand(-1, x.size(1), -1)
            if self.type == "local_window":
                i = torch.arange(x.size(1), device=x.device)
                near = (i.unsqueeze(1) - i).abs() <= self.options["attention_window"] // 2
                visible = visible & near
            key, value = self.split(self.key(x)), self.split(self.value(x))
            heads = [
                self.attend(query[:, h], key[:, h], value[:, h], visible) for h in range(self.heads)
            ]
        output = torch.cat(heads, -1)
        if self.options["value_convolution"] > 0:
            full = self.value(x).masked_fill(~valid, 0.0)
            output = output + self.value_convolution(full.transpose(1, 2)).transpose(1, 2)
        return output

    def attend(self, query, key, value, visible):
        """softmax(Q K^T / sqrt(D)) V of one head; a query that sees nothing gives 0."""
        scores = query @ key.transpose(1, 2) / query.size(-1) ** 0.5
        if visible is not None:
            scores = scores.masked_fill(~visible, torch.finfo(scores.dtype).min)
        weights = torch.softmax(scores.float(), -1).to(scores.dtype)
        if visible is not None:
            weights = weights.masked_fill(~visible, 0.0)
        return self.dropout(weights) @ value

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def projected(self, x, mask, linear, weight):
        """Keys or values of each head: a list of (B, K, D)."""
        features_first = self.options["order"] == "features_first"
        if features_first:
            rows = self.split(linear(x).masked_fill(~mask.unsqueeze(-1), 0.0))
            return [self.project(rows[:, h], mask, weight, h) for h in range(self.heads)]
        result = []
        for h in range(self.heads):
            if self.options["projection"] == "conv":  # a head's kernels act on its channels
                parts = self.split(x)
                mixed = torch.cat(
                    [self.project(parts[:, g], mask, weight, g) for g in range(self.heads)], -1
                )
            else:
                mixed = self.project(x, mask, weight, h)
            result.append(linear(mixed).unflatten(-1, (self.heads, -1))[:, :, h])
        return result

    def project(self, rows, mask, weight, head):
        """Rows (B, N, *), zero at padding, to (B, K, *)."""
        k = self.lengths[head]
        n, length = self.config.max_sequence_length, rows.size(1)
        kind = self.options["projection"]
        if kind == "linear":
            return self.project_with_matrix(rows, mask, self.matrix(weight, head))
        window = n // k
        full = F.pad(rows, (0, 0, 0, n - length)).unflatten(1, (k, window))
        valid = F.pad(mask, (0, n - length)).unflatten(1, (k, window)).unsqueeze(-1)
        if kind == "mean_pool":
            return full.sum(2) / valid.sum(2).clamp(min=1)
        if kind == "max_pool":
            lowest = full.masked_fill(~valid, float("-inf"))
            return lowest.amax(2).masked_fill(~valid.any(2), 0.0)
        D = weight.size(0) // self.heads
        taps = weight[head * D : (head + 1) * D]
        if taps.size(1) == 1:
            return torch.einsum("bkwc,cw->bkc", full, taps[:, 0])
        return torch.einsum("bkwd,cdw->bkc", full, taps)

    def matrix(self, weight, head):
        if len(set(self.lengths)) > 1:  # (k_0 + k_1 + ..., n)
            return weight.split(self.lengths)[head]
        return weight[head] if weight.dim() == 3 else weight

    def project_with_matrix(self, rows, mask, matrix):
        projected = matrix[:, : rows.size(1)] @ rows
        if not self.options["rescale_padding"]:
            return projected
        whole = matrix.pow(2).sum(-1)
        part = mask.to(rows.dtype) @ matrix[:, : rows.size(1)].pow(2).t()
        scale = torch.where(part > 0, (whole / part.clamp(min=1e-38)).sqrt(), 0.0)
        return projected * scale.unsqueeze(-1)


def projection_shape(config, layer):
    """Of E; None where the projection has no parameters."""
    options, n = config.attention, config.max_sequence_length
    lengths = config.projected_lengths(layer)
    if options["projection"] == "conv":
        mixed = 1
        if options["convolution_mixing"] == "head":
            mixed = config.hidden_size // config.num_attention_heads
        return (config.hidden_size, mixed, n // lengths[0])
    if options["projection"] != "linear":
        return None
    if len(set(lengths)) > 1:
        return (sum(lengths), n)
    if options["sharing"] == "none":
        return (config.num_attention_heads, lengths[0], n)
    return (lengths[0], n)


class Layer(nn.Module):
    def __init__(self, config, layer):
        super().__init__()
        width, wide = config.hidden_size, config.intermediate_size
        self.act = config.hidden_act
        self.pre_norm = config.norm_position == "pre"
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.attention = nn.ModuleDict(
            {
                "self": SelfAttention(config, layer),
                "output": nn.ModuleDict({"dense": nn.Linear(width, width), "LayerNorm": _norm(config)}),
            }
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, wide)})
        if self.act in ("swiglu", "geglu"):
            self.intermediate["gate"] = nn.Linear(width, wide)
        self.output = nn.ModuleDict({"dense": nn.Linear(wide, width), "LayerNorm": _norm(config)})

    def attend(self, x, mask, shared):
        heads = self.attention["self"](x, mask, shared)
        return self.dropout(self.attention["output"]["dense"](heads))

    def feed_forward(self, x):
        wide = self.intermediate["dense"](x)
        if self.act == "swiglu":
            wide = F.silu(self.intermediate["gate"](x)) * wide
        elif self.act == "geglu":
            wide = F.gelu(self.intermediate["gate"](x)) * wide
        else:
            wide = F.gelu(wide, approximate="none" if self.act == "gelu" else "tanh")
        return self.dropout(self.output["dense"](wide))

    def forward(self, x, mask, shared):
        first, second = self.attention["output"]["LayerNorm"], self.output["LayerNorm"]
        if self.pre_norm:
            x = x + self.attend(first(x), mask, shared)
            return x + self.feed_forward(second(x))
        x = first(x + self.attend(x, mask, shared))
        return second(x + self.feed_forward(x))


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        layers = range(config.num_hidden_layers)
        self.layer = nn.ModuleList([Layer(config, i) for i in layers])
        linformers = [i for i in layers if config.attention_type(i) == "linformer"]
        if config.attention["sharing"] == "layerwise" and linformers:
            shape = projection_shape(config, linformers[0])
            if shape is not None:
                self.E = nn.Parameter(torch.empty(shape))
        if config.norm_position == "pre":
            self.LayerNorm = _norm(config)

    def forward(self, x, mask):
        states = [x]
        for layer in self.layer:
            x = layer(x, mask, getattr(self, "E", None))
            states.append(x)
        if hasattr(self, "LayerNorm"):
            states[-1] = x = self.LayerNorm(x)
        return x, states


class LinformerPreTrainedModel(PreTrainedModel):
    config_class = LinformerConfig
    base_model_prefix = "roberta"

    @torch.no_grad()
    def _init_weights(self, module):
        deviation = self.config.initializer_range
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, 0.0, deviation)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)
        for name in ("E", "F"):
            if isinstance(getattr(module, name, None), nn.Parameter):
                nn.init.normal_(getattr(module, name), 0.0, 0.02)


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
        input_ids,
        attention_mask=None,
        token_type_ids=None,
        output_hidden_states=False,
        return_dict=True,
        **_,
    ):
        if input_ids.size(1) > self.config.max_sequence_length:
            raise ValueError(
                f"{input_ids.size(1)} tokens, the model takes at most "
                f"{self.config.max_sequence_length}: cut the input, or use linformer-convert extend"
            )
        mask = input_ids.ne(1) if attention_mask is None else attention_mask.bool()
        # E and F are indexed by position: tokens to the left, and back at the end.
        order = torch.argsort((~mask).int(), dim=1, stable=True)
        back = torch.argsort(order, dim=1).unsqueeze(-1)
        ids, aligned = input_ids.gather(1, order), mask.gather(1, order)
        types = None if token_type_ids is None else token_type_ids.gather(1, order)
        x, states = self.encoder(self.embeddings(ids, aligned, types), aligned)
        put_back = lambda y: y.gather(1, back.expand_as(y))  # noqa: E731
        output = BaseModelOutput(
            last_hidden_state=put_back(x),
            hidden_states=tuple(put_back(s) for s in states) if output_hidden_states else None,
        )
        return output if return_dict else output.to_tuple()


class MaskedLMHead(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.layer_norm = _norm(config)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        if not config.tie_word_embeddings:
            self.decoder = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def forward(self, x, words):
        weight = self.decoder.weight if hasattr(self, "decoder") else words
        return F.linear(self.layer_norm(F.gelu(self.dense(x))), weight, self.bias)


class LinformerForMaskedLM(LinformerPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.roberta = LinformerModel(config)
        self.lm_head = MaskedLMHead(config)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, token_type_ids=None, labels=None, **kwargs):
        kwargs.pop("return_dict", None)
        output = self.roberta(input_ids, attention_mask, token_type_ids, **kwargs)
        logits = self.lm_head(
            output.last_hidden_state, self.roberta.embeddings.word_embeddings.weight
        )
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return MaskedLMOutput(loss=loss, logits=logits, hidden_states=output.hidden_states)


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
            is_end = input_ids == 2
            ends = is_end.cumsum(1)
            u = mean_over(x, mask.bool() & ~is_end & (ends == 0))
            v = mean_over(x, mask.bool() & ~is_end & (ends == 2))
            x = torch.cat([u, v, (u - v).abs(), u * v], 1)
        else:
            first = mask.long().argmax(1)  # the first token that is no padding
            x = x[torch.arange(x.size(0), device=x.device), first]
        x = torch.tanh(self.dense(self.dropout(x)))
        return self.out_proj(self.dropout(x))


class LinformerForSequenceClassification(LinformerPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.roberta = LinformerModel(config)
        self.classifier = ClassificationHead(config)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, token_type_ids=None, labels=None, **kwargs):
        kwargs.pop("return_dict", None)
        output = self.roberta(input_ids, attention_mask, token_type_ids, **kwargs)
        mask = input_ids.ne(1) if attention_mask is None else attention_mask
        logits = self.classifier(output.last_hidden_state, mask, input_ids)
        loss = None
        if labels is not None and self.config.num_labels == 1:
            loss = F.mse_loss(logits.squeeze(1), labels.float())
        elif labels is not None:
            loss = F.cross_entropy(logits, labels)
        return SequenceClassifierOutput(
            loss=loss, logits=logits, hidden_states=output.hidden_states
        )
