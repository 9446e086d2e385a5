/**
 * @param {unknown} error anything that was thrown
 * @returns {WireError}
 */
export function toWire(error: unknown, depth?: number): WireError;
/**
 * The error that toWire was given, of the same class, with name, message, cause and the stack of its origin.
 * @param {WireError} wire
 * @returns {Error}
 */
export function fromWire(wire: WireError): Error;
/** No usable WebGPU on this machine, and the caller insisted on it (`device: 'webgpu'`); the message says what is missing. */
export class WebGPUUnavailableError extends Error {
}
/** The model could not be had: not found, not reachable, not a bundle, or not one that this version can run. */
export class ModelError extends Error {
    /**
     * @param {string} [message]
     * @param {ErrorOptions & { url?: string, status?: number }} [options]
     */
    constructor(message?: string, options?: ErrorOptions & {
        url?: string;
        status?: number;
    });
    /**
     * The URL that failed, where one did.
     * @type {string | undefined}
     */
    url: string | undefined;
    /**
     * The HTTP status it answered with, where it answered.
     * @type {number | undefined}
     */
    status: number | undefined;
}
/** Bytes of the model are not those that its manifest names, even after asking again past every cache. */
export class IntegrityError extends Error {
}
/** The GPU went away: driver reset, machine asleep, card unplugged. Make a new Clip to go on. */
export class DeviceLostError extends Error {
}
/** A picture could not be read: fetched, decoded, or taken from the element that shows it. */
export class ImageDecodeError extends Error {
    /**
     * @param {string} [message]
     * @param {ErrorOptions & { index?: number, status?: number }} [options]
     */
    constructor(message?: string, options?: ErrorOptions & {
        index?: number;
        status?: number;
    });
    /**
     * Which picture of an array it was, from 0; undefined where the call had a single picture.
     * @type {number | undefined}
     */
    index: number | undefined;
    /**
     * The HTTP status, where the picture was a URL that answered with an error.
     * @type {number | undefined}
     */
    status: number | undefined;
}
/** There is no memory for what was asked for. A model that there is no storage for is used all the same: see info.storage. */
export class QuotaError extends Error {
}
/** The engine could not be started, or stopped; every Clip of the page is gone with it. A new createClip starts afresh. */
export class EngineError extends Error {
}
/**
 * An error as it is posted. Structured clone alone would turn every class into plain Error.
 */
export type WireError = {
    name: string;
    message: string;
    stack?: string | undefined;
    cause?: WireError | undefined;
    url?: string | undefined;
    status?: number | undefined;
    index?: number | undefined;
};
