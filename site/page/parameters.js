const devices = /** @type {const} */ (['auto', 'webgpu', 'cpu']);
const modelName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * What the address asks for, `?device=auto|webgpu|cpu` and `?model=NAME`,
 * where NAME is a bundle's directory under models/. Of several names with
 * commas between them the first answers until the next has come. A value that
 * is not understood is left at its default and named in `complaints`. `?open=camera`
 * and `?open=models` come from the installed app's shortcuts.
 *
 * @param {string} search
 */
export function readParameters(search) {
  const asked = new URLSearchParams(search);
  /** @type {string[]} */
  const complaints = [];

  const askedDevice = asked.get('device') ?? 'auto';
  const device = devices.find((known) => known === askedDevice) ?? 'auto';
  if (device !== askedDevice) {
    complaints.push(`The address asks for the device “${askedDevice}”; there are auto, webgpu and cpu, so this is auto.`);
  }

  const askedModel = asked.get('model') ?? 'starter';
  const named = askedModel.split(',');
  const [model, ...larger] = named.every((name) => modelName.test(name)) ? named : ['starter'];
  if ([model, ...larger].join() !== askedModel) {
    complaints.push(`“${askedModel}” in the address cannot be the name of a model, so this is the starter.`);
  }

  return { device, model, larger, open: asked.get('open') ?? '', complaints };
}
