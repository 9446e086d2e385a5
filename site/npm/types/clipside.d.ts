/**
 * Loads a model and makes it ready to answer. Clips of the same model, integrity, device, towers, cache, profile and worker share it.
 * @param {ClipOptions} [options]
 * @returns {Promise<Clip>} resolves once the weights are there and the device has reproduced known embeddings, twice; with wait: false earlier. Rejects with a TypeError for a wrong option, with a ModelError or an IntegrityError if the model cannot be had, with a WebGPUUnavailableError if 'webgpu' was asked for and is not there, with a QuotaError if there is no memory for it, with a DeviceLostError if the GPU goes away meanwhile, with an EngineError if the engine cannot run, and with the signal's reason
 */
export function createClip(options?: ClipOptions): Promise<Clip>;
declare const Clip_base: new () => ClipEventTarget;
/**
 * A model that answers. Made by createClip.
 *
 * Calls may be made at any time, also while others are under way; they queue. A call rejects with a TypeError for a
 * wrong argument or an option that it does not have, with an ImageDecodeError for a picture that cannot be read, with a QuotaError where there is no memory
 * for it, with a DeviceLostError when the GPU goes away, with an EngineError when the engine stops, with the signal's
 * reason when it is aborted, and with a DOMException named InvalidStateError once the Clip is disposed. A call on a Clip
 * that was not waited for also rejects with whatever keeps its model from being loaded.
 *
 * Where createClip was given several models, the Clip answers with the first until the next has come. Then it
 * dispatches an `upgrade` event, a CustomEvent whose detail is the new info; calls made before it are answered by the
 * model before, calls made after it by the new one: embeddings from before and after are not to be compared. If the
 * next model cannot be had, an ErrorEvent `upgradeerror` tells why, and the Clip stays with what it has.
 */
export class Clip extends Clip_base {
    /**
     * @private
     * @param {Hold} hold
     * @param {((disposal: AbortSignal) => Promise<Hold>)[]} larger take hold of the models that are to follow
     */
    private constructor();
    /**
     * Resolves once all weights are there and the device has reproduced known embeddings, twice; of several models, those
     * of the first. Rejects with what createClip would have rejected with. A Clip that was waited for is ready.
     * @returns {Promise<void>}
     */
    get ready(): Promise<void>;
    /**
     * What the Clip is and how it has been doing. The object never changes; after each call there is a new one.
     * @returns {ClipInfo}
     */
    get info(): ClipInfo;
    /**
     * Says which of the labels fits a picture best.
     * @overload
     * @param {ImageInput} image
     * @param {readonly string[]} labels
     * @param {ClassifyOptions} [options]
     * @returns {Promise<Label[]>} best first; the scores of all labels add up to 1
     */
    classify(image: ImageInput, labels: readonly string[], options?: ClassifyOptions | undefined): Promise<Label[]>;
    /**
     * Says which of the labels fits each picture best.
     * @overload
     * @param {readonly ImageInput[]} images
     * @param {readonly string[]} labels
     * @param {ClassifyOptions} [options]
     * @returns {Promise<Label[][]>} for each picture, best first
     */
    classify(images: readonly ImageInput[], labels: readonly string[], options?: ClassifyOptions | undefined): Promise<Label[][]>;
    /**
     * Classifies any number of pictures, in bounded memory: they are pulled no faster than results are taken. Leaving the
     * loop ends the work.
     *
     *	for await (const { image, result, error } of clip.classifyEach(files, labels)) …
     * @param {Iterable<ImageInput> | AsyncIterable<ImageInput>} images
     * @param {readonly string[]} labels
     * @param {ClassifyEachOptions} [options]
     * @returns {AsyncGenerator<Each<Label[]>, void, undefined>} in order; for a picture that cannot be read an error instead of a result. Whatever else fails ends it
     */
    classifyEach(images: Iterable<ImageInput> | AsyncIterable<ImageInput>, labels: readonly string[], options?: ClassifyEachOptions): AsyncGenerator<Each<Label[]>, void, undefined>;
    /**
     * Embeds any number of pictures, as classifyEach classifies them.
     * @param {Iterable<ImageInput> | AsyncIterable<ImageInput>} images
     * @param {EachOptions} [options]
     * @returns {AsyncGenerator<Each<Float32Array>, void, undefined>} ends with an InvalidStateError where the Clip goes over to a larger model meanwhile, whose embeddings are not to be compared with those before
     */
    embedEach(images: Iterable<ImageInput> | AsyncIterable<ImageInput>, options?: EachOptions): AsyncGenerator<Each<Float32Array>, void, undefined>;
    /**
     * @overload
     * @param {ImageInput} image
     * @param {CallOptions} [options]
     * @returns {Promise<Float32Array>} L2-normalised, of info.dim numbers
     */
    embedImages(image: ImageInput, options?: CallOptions | undefined): Promise<Float32Array>;
    /**
     * @overload
     * @param {readonly ImageInput[]} images
     * @param {CallOptions} [options]
     * @returns {Promise<Float32Array[]>} one a picture; each L2-normalised, of info.dim numbers
     */
    embedImages(images: readonly ImageInput[], options?: CallOptions | undefined): Promise<Float32Array[]>;
    /**
     * @overload
     * @param {string} text
     * @param {CallOptions & TextOptions} [options]
     * @returns {Promise<Float32Array>} L2-normalised, of info.dim numbers
     */
    embedTexts(text: string, options?: (EachOptions & ProgressOptions & TextOptions) | undefined): Promise<Float32Array>;
    /**
     * @overload
     * @param {readonly string[]} texts taken as they are, without a template
     * @param {CallOptions & TextOptions} [options]
     * @returns {Promise<Float32Array[]>} one a text; each L2-normalised, of info.dim numbers
     */
    embedTexts(texts: readonly string[], options?: (EachOptions & ProgressOptions & TextOptions) | undefined): Promise<Float32Array[]>;
    /**
     * Compares every picture with every text. A softmax over a row gives classify's scores for labels without a template.
     * @param {ImageInput | readonly ImageInput[]} images
     * @param {string | readonly string[]} texts
     * @param {CallOptions & TextOptions} [options]
     * @returns {Promise<Similarity>} always a matrix, of one row for a single picture and one column for a single text
     */
    similarity(images: ImageInput | readonly ImageInput[], texts: string | readonly string[], options?: CallOptions & TextOptions): Promise<Similarity>;
    /**
     * Ends this Clip: calls under way and later ones reject with a DOMException named InvalidStateError. The last Clip of
     * a model takes the model's memory with it, on the GPU too; the last Clip of a page takes the Worker. May be called
     * again, to no effect.
     * @returns {Promise<void>} resolves when that is done; never rejects
     */
    dispose(): Promise<void>;
    #private;
}
/**
 * What a picture may be passed as. A string is a URL, relative to the page. Canvases, videos and ImageData are taken
 * as they are at the moment of the call; ImageBitmaps and VideoFrames stay the caller's and are not closed.
 */
export type ImageInput = Blob | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | ImageBitmap | ImageData | VideoFrame | HTMLVideoElement | URL | string;
export type Device = "auto" | "webgpu" | "cpu";
export type Tower = "image" | "text";
/**
 * A model that the browser keeps.
 */
export type StoredModel = import("./clipside/store.js").StoredModel;
/**
 * How far a Clip is on its way to being ready.
 */
export type ClipProgress = {
    /**
     * URL of the model that is loading; of several each has a progress of its own
     */
    model: string;
    /**
     * only ever in this order. The device compiles its programs while the model downloads; 'compile' is what is left of that, 'warm-up' what is left of the self-test
     */
    phase: "download" | "compile" | "warm-up" | "ready";
    /**
     * bytes of the model that are there; never falls
     */
    loaded: number;
    /**
     * bytes of the model; never changes
     */
    total: number;
    /**
     * how many of loaded were on this machine already
     */
    cached: number;
    /**
     * bytes per second that come over the network; 0 where that is not known yet
     */
    rate: number;
    /**
     * of the download, at this rate; missing where that is not known
     */
    secondsLeft?: number | undefined;
};
export type ClipOptions = {
    /**
     * the directory that `clipside pack` made; relative to the page. Default: models/starter/ beside this module. Of several, the first answers as soon as it is there; the Clip goes on to each next one when that has come (event upgrade)
     */
    model?: string | URL | readonly (string | URL)[] | undefined;
    /**
     * the SHA-256 of the model's manifest.json, as 64 hex digits or as 'sha256-' and base64: no other model is taken. Of several models, one for each, or undefined
     */
    integrity?: string | readonly (string | undefined)[] | undefined;
    /**
     * false for a Clip as soon as the model's manifest has been read: calls then wait for the weights they need, and ready tells when all are there. Default true
     */
    wait?: boolean | undefined;
    /**
     * default 'auto': a real GPU, else the CPU. 'webgpu' takes a GPU of any kind or rejects with a WebGPUUnavailableError
     */
    device?: Device | undefined;
    /**
     * which encoders to load; default both. embedImages needs 'image', embedTexts 'text', the others both
     */
    towers?: readonly Tower[] | undefined;
    /**
     * a script of the page's own origin that runs as the Worker; only where this module comes from another origin. It has one line: import 'https://…/clipside/worker.js';
     */
    worker?: string | URL | undefined;
    /**
     * whether the browser may keep the model for the next visit; default true
     */
    cache?: boolean | undefined;
    /**
     * whether to time each operation, for info.profile; calls then take longer. Default false
     */
    profile?: boolean | undefined;
    /**
     * stops the loading, and keeps what is complete; a Clip that was not waited for is disposed of then. What comes after is stopped by dispose and by each call's own signal
     */
    signal?: AbortSignal | undefined;
    onProgress?: ((progress: ClipProgress) => void) | undefined;
};
/**
 * How far a call is, in items: its pictures, and its texts whose embeddings are not remembered from earlier calls. A label
 * has one text in each template; a text that is there twice counts once.
 */
export type CallProgress = {
    /**
     * items that are embedded; never falls, and is total before the call resolves
     */
    loaded: number;
    /**
     * never changes
     */
    total: number;
};
export type EachOptions = {
    /**
     * ends the call, which then rejects with the signal's reason
     */
    signal?: AbortSignal | undefined;
};
export type ProgressOptions = {
    /**
     * told after each batch, first that nothing is done; never, where nothing has to be
     */
    onProgress?: ((progress: CallProgress) => void) | undefined;
};
export type CallOptions = EachOptions & ProgressOptions;
export type TextOptions = {
    /**
     * told, before the call resolves, which texts or labels were longer than the model's context and cut
     */
    onTruncated?: ((texts: string[]) => void) | undefined;
};
export type ClassifyTemplates = {
    /**
     * the sentence that a label is put into, at its {}; of several the mean is taken. Default 'a photo of a {}.'; '{}' takes labels as they are
     */
    template?: string | readonly string[] | undefined;
    /**
     * how many of the best to return; default all
     */
    topK?: number | undefined;
};
export type ClassifyEachOptions = EachOptions & TextOptions & ClassifyTemplates;
export type ClassifyOptions = ClassifyEachOptions & ProgressOptions;
export type Label = {
    /**
     * as it was passed
     */
    label: string;
    /**
     * its probability among the labels of the call
     */
    score: number;
};
/**
 * Logits: scaled cosines of every picture (a row) with every text (a column).
 */
export type Similarity = {
    /**
     * row by row
     */
    logits: Float32Array;
    rows: number;
    cols: number;
};
export type ModelInfo = {
    name: string;
    /**
     * where the checkpoint came from
     */
    source?: string | undefined;
    license?: string | undefined;
};
/**
 * The verdict on device and model: known embeddings, computed twice.
 */
export type SelfTest = {
    passed: boolean;
    /**
     * the worst, to the known embeddings
     */
    cosine: number;
    runs: number;
    /**
     * how long it took
     */
    ms: number;
};
/**
 * Where time went: all runs of one operation in one shape.
 */
export type OpTime = {
    /**
     * with its shape
     */
    op: string;
    runs: number;
    /**
     * of all runs; on a GPU without the feature timestamp-query each includes the way there and back, and with it each is rounded as the browser sees fit (Chromium: 0.1 ms)
     */
    ms: number;
    /**
     * 10⁹ arithmetic operations of one run
     */
    gflop: number;
    /**
     * 10⁹ arithmetic operations a second
     */
    gflops: number;
    /**
     * 10⁹ bytes a second, every value that a run reads or writes counted once, as float32
     */
    gbps: number;
    /**
     * of the peak: of gflops or of gbps, whichever is closer to it; caches can take it above 1, and so can convolutions, which are made with fewer multiplications than are counted
     */
    share: number;
};
export type ClipInfo = {
    model: ModelInfo;
    /**
     * the directory that the model was loaded from
     */
    url: string;
    towers: Tower[];
    /**
     * pixels of a side of the square that the image encoder sees
     */
    size: number;
    /**
     * numbers in an embedding
     */
    dim: number;
    device: "webgpu" | "cpu";
    /**
     * what the device calls itself
     */
    adapter: string;
    /**
     * whether the device is a GPU in name only
     */
    software: boolean;
    /**
     * of the device that are made use of
     */
    features: string[];
    /**
     * the longest side, in pixels, of a picture that is prepared on the GPU; 0 where none is
     */
    maxTextureSide: number;
    /**
     * why a better device was passed over; empty if none was
     */
    fallback: string;
    /**
     * which variant was measured to make which matrix product (m×n×k, a convolution as conv:m×n×k) fastest on this GPU; empty where there is nothing to choose
     */
    kernels: Record<string, string>;
    /**
     * of 0 runs while the Clip is not ready
     */
    selfTest: SelfTest;
    /**
     * whether the browser keeps the model for the next visit, and why not
     */
    storage: {
        kept: boolean;
        reason: string;
    };
    /**
     * of the model
     */
    bytes: {
        total: number;
        fetched: number;
        cached: number;
    };
    /**
     * milliseconds: from createClip to ready, of the first Clip that has this model; an image and a text in the last call that computed any, 0 before the first
     */
    timings: {
        load: number;
        image: number;
        text: number;
    };
    /**
     * of all calls of this model so far, the longest first; only with the option profile
     */
    profile?: OpTime[] | undefined;
    /**
     * what the device was measured to do at best, in 10⁹ operations and bytes a second; 0 while the Clip is not ready; only with the option profile
     */
    peak?: {
        gflops: number;
        gbps: number;
    } | undefined;
};
/**
 * What became of one picture of many: a result, or the error of a picture that could not be read.
 */
export type Each<R> = import("./clipside/each.js").Each<R>;
/**
 * What a Clip dispatches, by type.
 */
export type ClipEvents = {
    upgrade: CustomEvent<ClipInfo>;
    upgradeerror: ErrorEvent;
};
/**
 * An EventTarget whose listeners know what they get.
 */
export type ClipEventTarget = {
    addEventListener<K extends keyof ClipEvents>(type: K, listener: (this: Clip, event: ClipEvents[K]) => unknown, options?: boolean | AddEventListenerOptions): void;
    removeEventListener<K extends keyof ClipEvents>(type: K, listener: (this: Clip, event: ClipEvents[K]) => unknown, options?: boolean | EventListenerOptions): void;
} & EventTarget;
export { deleteModel, listModels, persistModels, storageEstimate } from "./clipside/store.js";
export { DeviceLostError, EngineError, ImageDecodeError, IntegrityError, ModelError, QuotaError, WebGPUUnavailableError } from "./clipside/errors.js";
