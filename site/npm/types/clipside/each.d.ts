/**
 * @template R
 * @param {Iterable<ImageInput> | AsyncIterable<ImageInput>} images those of an async iterable are worked on one by one, as they come
 * @param {(images: ImageInput[], signal: AbortSignal) => Promise<R[]>} run
 * @param {() => AbortSignal | undefined} [begin] called first; its signal ends the work at once, also while the source is waited for
 * @returns {AsyncGenerator<Each<R>, void, undefined>} in order. Ends with what run rejects with, unless that is an ImageDecodeError, and with what images throw, after the results of those before
 */
export function eachOf<R>(images: Iterable<ImageInput> | AsyncIterable<ImageInput>, run: (images: ImageInput[], signal: AbortSignal) => Promise<R[]>, begin?: () => AbortSignal | undefined): AsyncGenerator<Each<R>, void, undefined>;
export type ImageInput = import("../clipside.js").ImageInput;
/**
 * What became of one picture: a result, or the error of a picture that could not be read.
 */
export type Each<R> = {
    index: number;
    image: ImageInput;
    result: R;
    error?: undefined;
} | {
    index: number;
    image: ImageInput;
    result?: undefined;
    error: ImageDecodeError;
};
import { ImageDecodeError } from './errors.js';
