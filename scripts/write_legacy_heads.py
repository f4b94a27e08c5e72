"""Write a tiny model whose own code imports a helper that transformers later removed.

python scripts/write_legacy_heads.py FOLDER

Run by an interpreter that has numpy and safetensors. The weights are drawn from a fixed seed, so
that the files, and with them the revision of the folder, are the same everywhere. It stands for
the many repositories with code of their own that import `find_pruneable_heads_and_indices`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

CONFIG = {
    "model_type": "legacy-heads",
    "architectures": ["LegacyHeadsModel"],
    "auto_map": {
        "AutoConfig": "configuration_legacy_heads.LegacyHeadsConfig",
        "AutoModel": "modeling_legacy_heads.LegacyHeadsModel",
    },
    "vocab_size": 256,
    "hidden_size": 16,
    "num_attention_heads": 4,
    "pruned_at_start": [1],
}

CONFIGURATION = """\
from transformers import PretrainedConfig


class LegacyHeadsConfig(PretrainedConfig):
    model_type = "legacy-heads"

    def __init__(
        self, vocab_size=256, hidden_size=16, num_attention_heads=4, pruned_at_start=(1,), **kwargs
    ):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_attention_heads = num_attention_heads
        self.pruned_at_start = list(pruned_at_start)
        super().__init__(**kwargs)
"""

MODELING = """\
import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput
from transformers.pytorch_utils import find_pruneable_heads_and_indices

from .configuration_legacy_heads import LegacyHeadsConfig


class LegacyHeadsModel(PreTrainedModel):
    config_class = LegacyHeadsConfig
    base_model_prefix = ""

    def __init__(self, config):
        super().__init__(config)
        self.embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        size = config.hidden_size // config.num_attention_heads
        _, self.kept = find_pruneable_heads_and_indices(
            config.pruned_at_start, config.num_attention_heads, size, set()
        )
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, **kwargs):
        hidden = torch.tanh(self.dense(self.embeddings(input_ids)))
        kept = [int(at) for at in self.kept]
        return BaseModelOutput(last_hidden_state=hidden[..., kept])
"""


def main() -> int:
    """Write the folder."""
    if len(sys.argv) != 2:
        sys.stderr.write(__doc__ or "")
        return 2
    import numpy as np
    from safetensors.numpy import save_file

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.RandomState(20261125)
    hidden, vocab = 16, 256
    weights = {
        "embeddings.weight": random.standard_normal((vocab, hidden)).astype(np.float32),
        "dense.weight": random.standard_normal((hidden, hidden)).astype(np.float32),
        "dense.bias": random.standard_normal(hidden).astype(np.float32),
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n", encoding="utf-8")
    (folder / "configuration_legacy_heads.py").write_text(CONFIGURATION, encoding="utf-8")
    (folder / "modeling_legacy_heads.py").write_text(MODELING, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
