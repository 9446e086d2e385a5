// The errors a Clip can reject with, and the form in which they cross from the Worker to the page.
//
// Aborts are not among the classes: as everywhere on the web platform an aborted call rejects with its signal's
// reason, which is a DOMException named AbortError unless the caller gave another. A call on a disposed Clip rejects
// with a DOMException named InvalidStateError, a wrong argument with a TypeError.

/** No usable WebGPU on this machine, and the caller insisted on it (`device: 'webgpu'`); the message says what is missing. */
export class WebGPUUnavailableError extends Error {
  /** @override */
  name = 'WebGPUUnavailableError';
}

/** The model could not be had: not found, not reachable, not a bundle, or not one that this version can run. */
export class ModelError extends Error {
  /** @override */
  name = 'ModelError';

  /**
   * The URL that failed, where one did.
   * @type {string | undefined}
   */
  url;

  /**
   * The HTTP status it answered with, where it answered.
   * @type {number | undefined}
   */
  status;

  /**
   * @param {string} [message]
   * @param {ErrorOptions & { url?: string, status?: number }} [options]
   */
  constructor(message, options = {}) {
    super(message, options);
    this.url = options.url;
    this.status = options.status;
  }
}

/** Bytes of the model are not those that its manifest names, even after asking again past every cache. */
export class IntegrityError extends Error {
  /** @override */
  name = 'IntegrityError';
}

/** The GPU went away: driver reset, machine asleep, card unplugged. Make a new Clip to go on. */
export class DeviceLostError extends Error {
  /** @override */
  name = 'DeviceLostError';
}

/** A picture could not be read: fetched, decoded, or taken from the element that shows it. */
export class ImageDecodeError extends Error {
  /** @override */
  name = 'ImageDecodeError';

  /**
   * Which picture of an array it was, from 0; undefined where the call had a single picture.
   * @type {number | undefined}
   */
  index;

  /**
   * The HTTP status, where the picture was a URL that answered with an error.
   * @type {number | undefined}
   */
  status;

  /**
   * @param {string} [message]
   * @param {ErrorOptions & { index?: number, status?: number }} [options]
   */
  constructor(message, options = {}) {
    super(message, options);
    this.index = options.index;
    this.status = options.status;
  }
}

/** There is no memory for what was asked for. A model that there is no storage for is used all the same: see info.storage. */
export class QuotaError extends Error {
  /** @override */
  name = 'QuotaError';
}

/** The engine could not be started, or stopped; every Clip of the page is gone with it. A new createClip starts afresh. */
export class EngineError extends Error {
  /** @override */
  name = 'EngineError';
}

/** @type {Record<string, new (message?: string, options?: any) => Error>} */
const classes = {
  WebGPUUnavailableError,
  ModelError,
  IntegrityError,
  DeviceLostError,
  ImageDecodeError,
  QuotaError,
  EngineError,
  TypeError,
  RangeError,
};

/** Names that the platform gives to DOMExceptions; rebuilt as such. */
const exceptions = new Set([
  'AbortError',
  'InvalidStateError',
  'NotSupportedError',
  'DataCloneError',
  'SecurityError',
  'TimeoutError',
  'QuotaExceededError',
]);

/** Fields besides name and message that some class carries. */
const fields = /** @type {const} */ (['url', 'status', 'index']);

/**
 * An error as it is posted. Structured clone alone would turn every class into plain Error.
 * @typedef {object} WireError
 * @property {string} name
 * @property {string} message
 * @property {string} [stack]
 * @property {WireError} [cause]
 * @property {string} [url]
 * @property {number} [status]
 * @property {number} [index]
 */

/** Causes deeper than this are cut off; it bounds a cause that is its own cause. */
const maxDepth = 4;

/**
 * @param {unknown} error anything that was thrown
 * @returns {WireError}
 */
export function toWire(error, depth = 0) {
  if (typeof error !== 'object' || error === null) return { name: 'Error', message: String(error) };
  const thrown = /** @type {Record<string, unknown>} */ (error);
  /** @type {WireError} */
  const wire = { name: String(thrown.name ?? 'Error'), message: String(thrown.message ?? error) };
  if (typeof thrown.stack === 'string') wire.stack = thrown.stack;
  if (thrown.cause !== undefined && depth < maxDepth) wire.cause = toWire(thrown.cause, depth + 1);
  for (const field of fields) {
    const value = thrown[field];
    if (typeof value === 'string' || typeof value === 'number') Object.assign(wire, { [field]: value });
  }
  return wire;
}

/**
 * The error that toWire was given, of the same class, with name, message, cause and the stack of its origin.
 * @param {WireError} wire
 * @returns {Error}
 */
export function fromWire(wire) {
  const error = rebuild(wire);
  // A DOMException takes no cause, and its stack is not its own property.
  if (wire.cause && error.cause === undefined)
    Object.defineProperty(error, 'cause', { value: fromWire(wire.cause), configurable: true, writable: true });
  if (wire.stack) Object.defineProperty(error, 'stack', { value: wire.stack, configurable: true, writable: true });
  return error;
}

/**
 * @param {WireError} wire
 * @returns {Error}
 */
function rebuild(wire) {
  if (exceptions.has(wire.name)) return new DOMException(wire.message, wire.name);
  const { url, status, index } = wire;
  const options = { url, status, index, ...(wire.cause && { cause: fromWire(wire.cause) }) };
  if (Object.hasOwn(classes, wire.name)) return new classes[wire.name](wire.message, options);
  const error = new Error(wire.message, options);
  error.name = wire.name;
  return error;
}
