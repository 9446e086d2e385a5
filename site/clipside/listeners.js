/**
 * Tells a listener of the caller's, if there is one. One that throws must lose neither the answer nor what others are
 * told; its error goes where uncaught ones go.
 * @template {unknown[]} Said
 * @param {((...said: Said) => void) | undefined} listener
 * @param {Said} said
 */
export function tell(listener, ...said) {
  try {
    listener?.(...said);
  } catch (error) {
    reportError(error);
  }
}
