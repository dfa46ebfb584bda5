/**
 * Published CLIP checkpoints whose activation is known. It belongs to a checkpoint, not to an architecture, and cannot
 * be seen in tensors; configs name it, but the archives of openai/CLIP have none.
 *
 * Sources: openai/CLIP `clip/clip.py` (addresses and digests); open_clip `pretrained.py` (repositories, QuickGELU).
 */
import type { Activation } from "@textower/weights";
import { readReference } from "./reference.js";

/** A checkpoint that is known by name. */
export interface KnownModel {
  /** What `openHub` takes: OpenAI's name, or `owner/name`. */
  readonly name: string;
  readonly activation: Activation;
  /** Where it lies, if that is no repository of a hub. */
  readonly archive?: KnownArchive;
}

/** One of the files that openai/CLIP downloads. */
export interface KnownArchive {
  readonly file: string;
  /** Of the file, lower-case hexadecimal; also the next-to-last part of the address. */
  readonly sha256: string;
  readonly url: string;
}

/** openai/CLIP `_MODELS`: name, file, SHA-256. */
const OPENAI_ARCHIVES = [
  ["RN50", "RN50.pt", "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762"],
  ["RN101", "RN101.pt", "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599"],
  ["RN50x4", "RN50x4.pt", "7e526bd135e493cef0776de27d5f42653e6b4c8bf9e0f653bb11773263205fdd"],
  ["RN50x16", "RN50x16.pt", "52378b407f34354e150460fe41077663dd5b39c54cd0bfd2b27167a4a06ec9aa"],
  ["RN50x64", "RN50x64.pt", "be1cfb55d75a9666199fb2206c106743da0f6468c9d327f3e0d0a543a9919d9c"],
  ["ViT-B/32", "ViT-B-32.pt", "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"],
  ["ViT-B/16", "ViT-B-16.pt", "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f"],
  ["ViT-L/14", "ViT-L-14.pt", "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836"],
  ["ViT-L/14@336px", "ViT-L-14-336px.pt", "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02"],
] as const;

const REPOSITORIES: Readonly<Record<"quick_gelu" | "gelu", readonly string[]>> = {
  quick_gelu: [
    "openai/clip-vit-base-patch32",
    "openai/clip-vit-base-patch16",
    "openai/clip-vit-large-patch14",
    "openai/clip-vit-large-patch14-336",
    // OpenAI's weights in OpenCLIP's layout
    "timm/vit_base_patch32_clip_224.openai",
    "timm/resnet50_clip.openai",
    // MetaCLIP 1
    "facebook/metaclip-b32-400m",
    "facebook/metaclip-b32-fullcc2.5b",
    "facebook/metaclip-b16-400m",
    "facebook/metaclip-b16-fullcc2.5b",
    "facebook/metaclip-l14-400m",
    "facebook/metaclip-l14-fullcc2.5b",
    "facebook/metaclip-h14-fullcc2.5b",
    // DFN
    "apple/DFN2B-CLIP-ViT-B-16",
    "apple/DFN2B-CLIP-ViT-L-14",
    "apple/DFN5B-CLIP-ViT-H-14",
    "apple/DFN5B-CLIP-ViT-H-14-378",
  ],
  gelu: [
    // LAION-2B
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
    "laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
    "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K",
    "laion/CLIP-ViT-g-14-laion2B-s12B-b42K",
    "laion/CLIP-ViT-g-14-laion2B-s34B-b88K",
    "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k",
    // DataComp
    "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
    "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
    "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K",
    "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K",
    // DFN, the one without QuickGELU
    "apple/DFN2B-CLIP-ViT-L-14-39B",
    // MobileCLIP-B, the one with a causal tower
    "apple/MobileCLIP-B-OpenCLIP",
    "apple/MobileCLIP-B-LT-OpenCLIP",
  ],
};

/** The table. */
export const knownModels: readonly KnownModel[] = [
  ...OPENAI_ARCHIVES.map(([name, file, sha256]): KnownModel => {
    const url = `https://openaipublic.azureedge.net/clip/models/${sha256}/${file}`;
    return { name, activation: "quick_gelu", archive: { file, sha256, url } };
  }),
  ...(["quick_gelu", "gelu"] as const).flatMap((activation) =>
    REPOSITORIES[activation].map((name) => ({ name, activation })),
  ),
];

/** The entry of this name; of `owner/name@revision`, that of `owner/name`. */
export function findKnownModel(name: string): KnownModel | undefined {
  const repository = name.replace(/@.*$/, "");
  return knownModels.find((known) => known.name === (known.archive === undefined ? repository : name));
}

/** Whether `openHub` would take a string for a name. Says nothing about whether there is such a repository. */
export function isHubName(text: string): boolean {
  return findKnownModel(text) !== undefined || readReference(text) !== undefined;
}
