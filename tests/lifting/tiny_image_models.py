"""Small random checkpoints in the layout in which the real ones are published: config.json, model.safetensors, vocabulary.

Their classes are the real ones of the ``transformers`` library with small configurations, so every key has its real name.
"""

from pathlib import Path

import torch
from transformers import (
    BertConfig,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    Sam2VideoConfig,
    Sam2VideoModel,
    SwinConfig,
    VitPoseBackboneConfig,
    VitPoseConfig,
    VitPoseForPoseEstimation,
)

WORDS = ("person", "dog", "red", "ball", "a", "##s")
DOT, QUESTION, CLS, SEP = 1012, 1029, 101, 102  # places in the vocabulary that Grounding DINO counts on


def vocabulary() -> list[str]:
    """As BERT's uncased one where it matters, nothing elsewhere."""
    words = [f"[unused{index}]" for index in range(1100)]
    for place, word in {0: "[PAD]", 100: "[UNK]", CLS: "[CLS]", SEP: "[SEP]", 103: "[MASK]", DOT: ".", QUESTION: "?"}.items():
        words[place] = word
    words[1040 : 1040 + len(WORDS)] = WORDS
    return words


def grounding_dino(folder: Path) -> Path:
    torch.manual_seed(0)
    swin = SwinConfig(
        image_size=64, patch_size=4, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 2], window_size=4, out_indices=[2, 3, 4]
    )
    bert = BertConfig(
        vocab_size=1100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, max_position_embeddings=64
    )
    config = GroundingDinoConfig(
        backbone_config=swin, text_config=bert, num_queries=12, encoder_layers=1, decoder_layers=2, d_model=32, encoder_ffn_dim=32,
        decoder_ffn_dim=32, encoder_attention_heads=4, decoder_attention_heads=4, num_feature_levels=4, max_text_len=32,
    )  # fmt: skip
    GroundingDinoForObjectDetection(config).eval().save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(vocabulary()) + "\n")
    return folder


def sam2_video(folder: Path, side: int = 128, *, appearing: bool = True) -> Path:
    """appearing: what the network thinks of every subject on every frame."""
    # The library parts the memory's 128 channels into 64: smaller ones it cannot run.
    torch.manual_seed(0)
    cells = [side // 4, side // 8, side // 16]
    config = Sam2VideoConfig(
        vision_config={
            "model_type": "sam2_vision_model",
            "backbone_config": {
                "model_type": "sam2_hiera_det_model", "hidden_size": 8, "num_attention_heads": 1, "image_size": [side, side],
                "blocks_per_stage": [1, 1, 2, 1], "embed_dim_per_stage": [8, 16, 32, 64], "num_attention_heads_per_stage": [1, 2, 4, 8],
                "window_size_per_stage": [8, 4, 4, 2], "global_attention_blocks": [3], "window_positional_embedding_background_size": [4, 4],
            },
            "backbone_channel_list": [64, 32, 16, 8], "backbone_feature_sizes": [[cell, cell] for cell in cells],
            "fpn_hidden_size": 128, "num_feature_levels": 3,
        },
        prompt_encoder_config={"hidden_size": 128, "image_size": side, "patch_size": 16, "mask_input_channels": 8},
        mask_decoder_config={"hidden_size": 128, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16},
        image_size=side, memory_attention_hidden_size=128, memory_attention_num_layers=1, memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[cells[2], cells[2]], memory_encoder_hidden_size=128, memory_encoder_output_channels=64,
        mask_downsampler_embed_dim=128, memory_fuser_embed_dim=128, memory_fuser_intermediate_dim=32, num_maskmem=3,
    )  # fmt: skip
    network = Sam2VideoModel(config).eval()
    torch.nn.init.constant_(network.mask_decoder.pred_obj_score_head.proj_out.bias, 2.0 if appearing else -2.0)
    network.save_pretrained(folder)
    return folder


def depth_anything(folder: Path, *, metric: bool = False) -> Path:
    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, image_size=518, patch_size=14, out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False, apply_layernorm=True, mlp_ratio=2,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=16, neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8, head_hidden_size=8,
        depth_estimation_type="metric" if metric else "relative", max_depth=20 if metric else 1,
    )  # fmt: skip
    DepthAnythingForDepthEstimation(config).eval().save_pretrained(folder)
    return folder


def vitpose(folder: Path, *, experts: int = 1, simple: bool = True, points: int = 17) -> Path:
    torch.manual_seed(0)
    backbone = VitPoseBackboneConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, out_indices=[2], num_experts=experts, part_features=8,
    )  # fmt: skip
    config = VitPoseConfig(backbone_config=backbone, use_simple_decoder=simple, num_labels=points)
    VitPoseForPoseEstimation(config).eval().save_pretrained(folder)
    return folder
