import { button } from './dom.js';

/**
 * Everyday words that the starter model was trained on, in sets that make
 * sense to compare. The first is the list that the page opens with.
 */
export const presets = [
  { name: 'Mixed', labels: ['cat', 'dog', 'cup of coffee', 'rocket', 'woman', 'motorcycle'] },
  { name: 'Travel', labels: ['car', 'bus', 'train', 'airplane', 'motorcycle', 'bridge', 'church', 'shop'] },
  { name: 'Animals', labels: ['dog', 'cat', 'horse', 'bird', 'fish', 'insect', 'snake', 'crocodile'] },
  { name: 'Kitchen', labels: ['cup of coffee', 'food', 'fruit', 'cake', 'bottle', 'plate'] },
];

/**
 * @param {{labels: readonly string[]}} preset
 * @param {readonly string[]} labels
 */
const isPreset = ({ labels: own }, labels) => own.length === labels.length && own.every((label, i) => label === labels[i]);

/** Whether the person has put these together. @param {readonly string[]} labels */
export const areOwn = (labels) => !presets.some((preset) => isPreset(preset, labels));

/**
 * The row of presets. Pressing one calls onChoose with its labels; `show`
 * marks the one that equals the labels in use, if any does.
 *
 * @param {HTMLElement} row
 * @param {(labels: string[], name: string) => void} onChoose
 */
export function createPresets(row, onChoose) {
  const buttons = presets.map((preset) => {
    const made = button('preset', preset.name, () => onChoose(preset.labels, preset.name));
    made.dataset.testid = 'preset';
    return made;
  });
  row.append(...buttons);

  return {
    /** @param {readonly string[]} labels */
    show(labels) {
      buttons.forEach((made, i) => made.setAttribute('aria-pressed', String(isPreset(presets[i], labels))));
    },
  };
}
