/**
 * The line beneath a field: a hint most of the time, a notice or an error when
 * there is something to say. The line keeps its place in the layout, so
 * nothing moves when the text changes.
 *
 * `data-kind` on the line is "hint", "notice" or "error".
 *
 * @param {HTMLElement} line
 * @param {HTMLInputElement} [field] what an error makes invalid
 */
export function createMessage(line, field) {
  /** @type {string} */
  let hintText = '';

  /**
   * @param {'hint'|'notice'|'error'} kind
   * @param {(string|Node)[]} content
   */
  function show(kind, content) {
    // Rewriting the same text would make a screen reader say it again.
    if (line.dataset.kind === kind && content.length === 1 && line.textContent === content[0]) return;
    line.dataset.kind = kind;
    line.replaceChildren(...content);
    if (kind === 'error') field?.setAttribute('aria-invalid', 'true');
    else field?.removeAttribute('aria-invalid');
  }

  return {
    /** Goes back to the hint, or changes it. @param {string} [text] */
    hint(text = hintText) {
      hintText = text;
      show('hint', [text]);
    },
    /** @param {...(string|Node)} content */
    notice(...content) {
      show('notice', content);
    },
    /** @param {...(string|Node)} content */
    error(...content) {
      show('error', content);
    },
    get kind() {
      return line.dataset.kind;
    },
  };
}

/** @typedef {ReturnType<typeof createMessage>} Message */
