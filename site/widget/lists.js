/**
 * A list in an attribute: a JSON array where it looks like one, else separated by commas or line breaks.
 * @param {string | null} text
 * @returns {string[]}
 */
export function parseList(text) {
  const trimmed = (text ?? '').trim();
  if (trimmed.startsWith('[')) {
    try {
      const list = JSON.parse(trimmed);
      if (Array.isArray(list)) return list.map(String).filter((item) => item.trim() !== '');
    } catch {
      // Then it is a list of words, the first of which begins with a bracket.
    }
  }
  return trimmed
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter(Boolean);
}

/**
 * @param {readonly string[]} list
 * @returns {string} such that parseList gives the list
 */
export function formatList(list) {
  const plain = list.join(', ');
  const same = parseList(plain);
  return same.length === list.length && same.every((item, i) => item === list[i]) ? plain : JSON.stringify(list);
}
