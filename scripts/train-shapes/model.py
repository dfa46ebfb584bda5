"""Two towers and the loss. The text tower is CLIP's, exactly; the image tower is a small convnet.

B = batch, T = tokens, C = width, H = heads, D = C / H = 64, E = embedding
"""

import torch
from torch import nn
from torch.nn import functional as F

from tokenizer import END
from world import BACKGROUNDS, COLORS, POSITIONS, SHAPES, SIZES

VOCABULARY, CONTEXT = 49408, 77
UNKNOWN = 0  # padding and words outside the vocabulary in training: a row that stays zero
FEATURES = 384
# Facts of a scene that the image tower learns to name: see `Scenes.facts`.
FACT_CHOICES = [len(SHAPES), len(COLORS), len(SIZES)] * 2 + [len(BACKGROUNDS), len(POSITIONS), 3]


class Block(nn.Module):
    """Pre-norm transformer block, under the names of Hugging Face's CLIP."""

    def __init__(self, width, heads, layers):
        super().__init__()
        self.heads = heads
        self.layer_norm1 = nn.LayerNorm(width)
        self.self_attn = nn.ModuleDict({name: nn.Linear(width, width) for name in ["q_proj", "k_proj", "v_proj", "out_proj"]})
        self.layer_norm2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})
        for linear in [*self.self_attn.values(), *self.mlp.values()]:
            nn.init.normal_(linear.weight, std=linear.in_features**-0.5)
            nn.init.zeros_(linear.bias)
        for linear in [self.self_attn["out_proj"], self.mlp["fc2"]]:
            linear.weight.data *= (2 * layers) ** -0.5  # each block adds to the residual twice

    def forward(self, x):  # [B, T, C]
        b, t, c = x.shape
        y = self.layer_norm1(x)
        split = lambda name: self.self_attn[name](y).view(b, t, self.heads, -1).transpose(1, 2)  # [B, H, T, D]
        y = F.scaled_dot_product_attention(split("q_proj"), split("k_proj"), split("v_proj"), is_causal=True)
        x = x + self.self_attn["out_proj"](y.transpose(1, 2).reshape(b, t, c))
        y = self.mlp["fc1"](self.layer_norm2(x))
        return x + self.mlp["fc2"](y * torch.sigmoid(1.702 * y))  # QuickGELU


class TextTower(nn.Module):
    def __init__(self, width=128, layers=3, embed=128):
        super().__init__()
        self.token_embedding = nn.Embedding(VOCABULARY, width, padding_idx=UNKNOWN)
        self.position_embedding = nn.Embedding(CONTEXT, width)
        self.layers = nn.ModuleList(Block(width, width // 64, layers) for _ in range(layers))
        self.final_layer_norm = nn.LayerNorm(width)
        self.text_projection = nn.Linear(width, embed, bias=False)
        # Rows start at zero; only those that a caption can reach are given values (see `name_words`).
        nn.init.zeros_(self.token_embedding.weight)
        nn.init.normal_(self.position_embedding.weight, std=0.05)
        nn.init.normal_(self.text_projection.weight, std=width**-0.5)

    @torch.no_grad()
    def name_words(self, ids):
        """Random values for the token rows of the captions' language. Adam leaves a row of zeros
        without gradient at zero, so every other row of the table stays exactly zero."""
        self.token_embedding.weight[ids] = torch.randn(len(ids), self.token_embedding.embedding_dim) * 0.1

    def forward(self, ids):  # [B, T], rows filled up with UNKNOWN after END
        x = self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x)
        end = (ids == END).int().argmax(dim=1)  # first
        return self.text_projection(self.final_layer_norm(x[torch.arange(len(x)), end]))  # [B, E]

    def export_state(self):
        """Tensors under the names of Hugging Face's CLIPTextModelWithProjection."""
        rename = {"layers.": "text_model.encoder.layers.", "final_layer_norm.": "text_model.final_layer_norm."}
        state = {}
        for name, tensor in self.state_dict().items():
            if "_embedding." in name:
                name = "text_model.embeddings." + name
            for prefix, replacement in rename.items():
                if name.startswith(prefix):
                    name = replacement + name[len(prefix):]
            state[name] = tensor
        return state


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv(F.gelu(self.norm(x)))


class ImageTower(nn.Module):
    """64 x 64 RGB, 0 ... 255 -> E. The map is flattened, not pooled: where a thing is matters."""

    def __init__(self, embed=128):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 6, stride=4, padding=1), Residual(32),  # 16 x 16
            nn.GELU(), nn.Conv2d(32, 64, 3, stride=2, padding=1), Residual(64), Residual(64),  # 8 x 8
            nn.GroupNorm(8, 64), nn.GELU(), nn.Conv2d(64, 32, 1), nn.GELU(), nn.Flatten(),
            nn.Linear(2048, FEATURES), nn.GELU(),
        )
        self.facts = nn.ModuleList(nn.Linear(FEATURES, choices) for choices in FACT_CHOICES)
        self.projection = nn.Sequential(nn.Linear(FEATURES, 512), nn.GELU(), nn.Linear(512, embed))

    def look(self, images):  # [B, 64, 64, 3] -> [B, FEATURES]
        x = images.permute(0, 3, 1, 2) / 127.5 - 1
        return self.features(x.contiguous(memory_format=torch.channels_last))

    def forward(self, images):
        return self.projection(self.look(images))  # [B, E]

    def fact_loss(self, features, facts):
        """Cross-entropy of naming each fact outright; `facts` int64 [B, F], -1 where there is none."""
        losses = [F.cross_entropy(head(features), facts[:, i], ignore_index=-1) for i, head in enumerate(self.facts)]
        return sum(losses) / len(losses)

    @torch.no_grad()
    def fact_accuracy(self, features, facts):
        right = torch.stack([head(features).argmax(dim=1) for head in self.facts], dim=1) == facts  # [B, F]
        return [right[facts[:, i] >= 0, i].float().mean().item() for i in range(facts.shape[1])]


def contrastive_loss(text, image, logit_scale, true, undecided):
    """Symmetric InfoNCE in which a caption may be true of several pictures.

    Every true pair is a positive, scored against the false pairs of its row (and of its column)
    alone: positives do not compete with each other, undecided pairs do not take part.
    `text`, `image` [B, E]; `true`, `undecided` bool [B, B], captions x pictures.
    """
    scores = logit_scale.exp() * F.normalize(text, dim=1) @ F.normalize(image, dim=1).T  # [B, B]
    false = scores.masked_fill(true | undecided, -1e4)
    loss = 0
    for axis in (1, 0):
        against = false.logsumexp(dim=axis, keepdim=True)
        each = F.softplus(against - scores) * true  # -log(e^s / (e^s + sum of e^false))
        loss = loss + (each.sum(axis) / true.sum(axis).clamp(min=1)).mean()
    return loss / 2
