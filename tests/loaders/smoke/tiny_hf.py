"""Write tiny random checkpoints of several architectures with transformers 4, in every format.

`<model>/<format>` holds a format alone; `bert/all` holds four, no two with the same weights.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

WRITE = """
import json, sys
from pathlib import Path
import torch, transformers as t

out = Path(sys.argv[1])
vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [f"word{i}" for i in range(95)]
size = dict(vocab_size=100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=32, initializer_range=0.3)
image = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
             image_size=24, patch_size=8, num_channels=3, initializer_range=0.3)

def bert(seed=1):
    torch.manual_seed(seed)
    return t.BertModel(t.BertConfig(**size))

def save(model, name, forms=("safetensors", "tf-h5", "flax")):
    model.save_pretrained(out / name / "safetensors")
    if "bin" in forms:
        model.save_pretrained(out / name / "bin", safe_serialization=False)
    other = lambda prefix: getattr(t, prefix + type(model).__name__).from_pretrained(
        out / name / "safetensors", from_pt=True)
    if "tf-h5" in forms:
        other("TF").save_pretrained(out / name / "tf-h5")
    if "flax" in forms:
        other("Flax").save_pretrained(out / name / "flax")

save(bert(), "bert", ("safetensors", "bin", "tf-h5", "flax"))
for form in ("safetensors", "bin", "tf-h5", "flax"):
    (out / "bert" / form / "vocab.txt").write_text("\\n".join(vocab) + "\\n")
bert().save_pretrained(out / "bert" / "sharded", max_shard_size="8KB")
bert().half().save_pretrained(out / "bert" / "half")
mixed = out / "bert" / "all"
bert(2).save_pretrained(mixed)
bert(3).save_pretrained(mixed, safe_serialization=False)
bert(2).save_pretrained(mixed)
for seed, prefix in ((4, "TF"), (5, "Flax")):
    bert(seed).save_pretrained(out / "bert" / f"seed{seed}")
    model = getattr(t, prefix + "BertModel").from_pretrained(out / "bert" / f"seed{seed}",
                                                              from_pt=True)
    model.save_pretrained(mixed)
torch.save(bert(3).state_dict(), mixed / "pytorch_model.bin")

torch.manual_seed(1)
save(t.T5ForConditionalGeneration(t.T5Config(
    vocab_size=100, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2,
    decoder_start_token_id=0)), "t5", ("tf-h5",))
save(t.ViTForImageClassification(t.ViTConfig(num_labels=3, **image)), "vit", ("tf-h5",))
for form in ("safetensors", "tf-h5"):
    t.ViTImageProcessor(size={"height": 24, "width": 24}).save_pretrained(out / "vit" / form)
net = t.ResNetModel(t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1],
                                   layer_type="basic"))
net.train()
with torch.no_grad():
    net(torch.rand(4, 3, 32, 32))
save(net.eval(), "resnet", ("tf-h5",))
save(t.Wav2Vec2Model(t.Wav2Vec2Config(
    hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
    conv_dim=(8, 8), conv_stride=(8, 8), conv_kernel=(8, 8), num_feat_extract_layers=2,
    num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, feat_extract_norm="layer",
    do_stable_layer_norm=True)), "wav2vec2", ())
t.Wav2Vec2FeatureExtractor().save_pretrained(out / "wav2vec2" / "safetensors")
save(t.WhisperModel(t.WhisperConfig(
    vocab_size=100, num_mel_bins=8, encoder_layers=1, encoder_attention_heads=2,
    decoder_layers=1, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
    d_model=16, max_source_positions=20, max_target_positions=20, pad_token_id=0,
    bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    begin_suppress_tokens=None)), "whisper", ("tf-h5",))
save(t.CLIPModel(t.CLIPConfig(
    text_config=dict(vocab_size=100, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
                     num_attention_heads=2, max_position_embeddings=32, eos_token_id=99),
    vision_config=dict(hidden_size=16, intermediate_size=32, num_hidden_layers=1,
                       num_attention_heads=2, image_size=24, patch_size=8),
    projection_dim=8)), "clip", ())
"""


def write(python: Path, out: Path) -> None:
    """Let the library write all of them, and one whose class has a head that no file holds."""
    done = subprocess.run(
        [python, "-W", "ignore", "-c", WRITE, str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for form in ("safetensors", "tf-h5"):  # Flax answers with random heads too: see resnet
        copy = out / "headless" / form
        shutil.copytree(out / "bert" / form, copy)
        config = json.loads((copy / "config.json").read_text())
        config["architectures"] = ["BertForSequenceClassification"]
        (copy / "config.json").write_text(json.dumps(config))
