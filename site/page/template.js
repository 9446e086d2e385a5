/** What a template must contain: the place that each label takes. */
const place = '{}';

/**
 * The field for the sentence that each label is put into. Without "{}" every
 * label would become the same sentence, so such a template is refused, beside
 * the field, and `value` is null until it is mended.
 *
 * @param {{
 *   field: HTMLInputElement,
 *   reset: HTMLButtonElement,
 *   message: import('./message.js').Message,
 *   onChange: () => void,
 * }} parts
 */
export function createTemplate({ field, reset, message, onChange }) {
  const standard = field.defaultValue;
  let example = '';

  function check() {
    const value = field.value;
    reset.hidden = value === standard;
    if (!value.includes(place)) message.error(`Put ${place} where the label belongs, as in “${standard}”`);
    else message.hint(example ? `The model reads “${value.replaceAll(place, () => example)}”` : `${place} stands for each label.`);
  }

  field.addEventListener('input', () => {
    check();
    onChange();
  });
  reset.addEventListener('click', () => {
    field.value = standard;
    check();
    field.focus();
    onChange();
  });
  // A reload may restore what was typed before.
  check();

  return {
    /** @returns {string|null} */
    get value() {
      return field.value.includes(place) ? field.value : null;
    },
    /** The label to show in the template. @param {string|undefined} label */
    setExample(label) {
      example = label ?? '';
      check();
    },
  };
}
