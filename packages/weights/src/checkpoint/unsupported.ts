/**
 * Text models that this tower cannot run, by what their configs and tensors are called, each with the reason. A wrong
 * guess here would yield vectors that look right, so everything that a config names and that is not CLIP is refused too.
 *
 * Sources: transformers' `model_type`s; open_clip `model_configs/*.json`, `coca_model.py`; apple/ml-mobileclip.
 */

interface Unsupported {
  readonly model: string;
  readonly reason: string;
  /** `model_type` of its transformers config, or of that config's text_config. */
  readonly types?: readonly string[];
  /** A tensor that CLIP's towers do not have. */
  readonly tensor?: RegExp;
  /** The tokenizer that OpenCLIP's config names. */
  readonly tokenizer?: RegExp;
  /** The text encoder that OpenCLIP's config names. */
  readonly encoder?: RegExp;
}

const UNSUPPORTED: readonly Unsupported[] = [
  {
    model: "SigLIP",
    reason: "a SentencePiece vocabulary, attention to padding, the last row pooled, a projection with bias",
    types: ["siglip", "siglip_text_model", "siglip2", "siglip2_text_model"],
    tensor: /^text_model\.head\./,
    tokenizer: /siglip|c4-en|mc4|gemma/i,
  },
  {
    model: "CLIPA",
    reason: "BERT's vocabulary, no causal mask, the last row pooled",
    tokenizer: /bert-base-uncased/i,
  },
  {
    model: "Chinese-CLIP",
    reason: "a BERT text encoder",
    types: ["chinese_clip", "chinese_clip_text_model"],
  },
  {
    model: "MetaCLIP 2",
    reason: "a vocabulary of many languages",
    types: ["metaclip_2", "metaclip_2_text_model"],
    tokenizer: /xlm-v|mt5/i,
  },
  {
    model: "CoCa",
    reason: "a class token after the text",
    tensor: /(?:^|\.)cls_emb$/,
  },
  {
    model: "MobileCLIP-S0",
    reason: "convolutions among the blocks",
    tensor: /^text_encoder\.transformer\.\d+\.(?:token_mixer|convffn|layer_scale)/,
  },
  {
    model: "ALIGN",
    reason: "a BERT text encoder",
    types: ["align", "align_text_model"],
  },
  {
    model: "AltCLIP",
    reason: "an XLM-RoBERTa text encoder",
    types: ["altclip", "altclip_text_model"],
    tensor: /^text_model\.(?:roberta|pre_LN|transformation)\./,
  },
  {
    model: "CLAP",
    reason: "a model of sounds with a RoBERTa text encoder",
    types: ["clap", "clap_text_model"],
  },
  {
    model: "CLIPSeg",
    reason: "a model of segmentations",
    types: ["clipseg", "clipseg_text_model"],
  },
  {
    model: "GroupViT",
    reason: "a model of segmentations",
    types: ["groupvit", "groupvit_text_model"],
  },
  {
    model: "X-CLIP",
    reason: "a model of videos",
    types: ["xclip", "xclip_text_model"],
  },
  {
    model: "OWL-ViT",
    reason: "a model of detections",
    types: ["owlvit", "owlvit_text_model", "owlv2", "owlv2_text_model"],
  },
  {
    model: "BLIP",
    reason: "a BERT text encoder",
    types: ["blip", "blip_text_model", "blip-2", "blip_2"],
  },
  {
    model: "an encoder of transformers in a dual encoder",
    reason: "another text encoder than CLIP's",
    types: ["vision-text-dual-encoder", "bert", "roberta", "xlm-roberta", "t5", "mt5"],
    encoder: /./,
  },
];

/** Why a transformers model cannot be run: "SigLIP is not supported: …"; undefined if its type is not in the table. */
export function unsupportedType(type: string): string | undefined {
  return explain(UNSUPPORTED.find(({ types }) => types?.includes(type)));
}

/** The same for the text encoder or tokenizer that a config of OpenCLIP names. */
export function unsupportedOpenClip(
  encoder: string | undefined,
  tokenizer: string | undefined,
): string | undefined {
  return explain(
    UNSUPPORTED.find(
      (each) =>
        (tokenizer !== undefined && each.tokenizer?.test(tokenizer)) ||
        (encoder !== undefined && each.encoder?.test(encoder)),
    ),
  );
}

/** The same for the first tensor that only such a model has. */
export function unsupportedTensors(names: Iterable<string>): string | undefined {
  for (const name of names) {
    const found = UNSUPPORTED.find(({ tensor }) => tensor?.test(name));
    if (found !== undefined) return explain(found);
  }
  return undefined;
}

function explain(found: Unsupported | undefined): string | undefined {
  return found && `${found.model} is not supported: ${found.reason}`;
}
