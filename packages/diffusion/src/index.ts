/** @textower/diffusion: CLIP hidden states as image generators expect them. Importing does nothing. */
export { towerUse } from "./presets.js";
export type { TowerPreset, TowerUse } from "./presets.js";
export { openStableDiffusionXL, StableDiffusionXL } from "./stable-diffusion-xl.js";
export { ConditioningTower, openConditioningTower } from "./tower.js";
export type { Conditioning, ConditioningOptions, TowerOptions } from "./tower.js";
