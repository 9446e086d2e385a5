/**
 * The element with this id, as the type that the caller expects. A missing or
 * different element is a fault in index.html, so it throws.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return found;
}

/**
 * A new element. Text goes in as text, never as markup.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {{class?: string, text?: string, testid?: string, attributes?: Record<string, string>}} [options]
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  if (options.class) made.className = options.class;
  if (options.text !== undefined) made.textContent = options.text;
  if (options.testid) made.dataset.testid = options.testid;
  for (const [name, value] of Object.entries(options.attributes ?? {})) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * A button that submits nothing.
 *
 * @param {string} className
 * @param {string|Node} content
 * @param {() => void} onClick
 * @returns {HTMLButtonElement}
 */
export function button(className, content, onClick) {
  const made = element('button', { class: className, attributes: { type: 'button' } }, content);
  made.addEventListener('click', onClick);
  return made;
}

/**
 * A 16-unit line icon, drawn in the colour of the text around it and hidden
 * from assistive technology.
 *
 * @param {string} path
 * @returns {SVGSVGElement}
 */
export function icon(path) {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  const line = document.createElementNS(namespace, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

export const crossPath = 'M4 4l8 8M12 4l-8 8';

/** Whether the person asked for less motion; asked anew each time, as it may change. */
export function reducedMotion() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
