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
      buttons.forEach((made, i) => {
        const own = presets[i].labels;
        const same = own.length === labels.length && own.every((label, j) => label === labels[j]);
        made.setAttribute('aria-pressed', String(same));
      });
    },
  };
}
