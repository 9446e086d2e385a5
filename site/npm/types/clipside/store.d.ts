/**
 * Asks a handle something, and keeps it until it has answered. In Chromium a handle that is collected as garbage takes
 * with it what it was asked, and the promise stays as it is for ever; a variable that is not read any more does not
 * keep it, once its function has been optimised.
 * @template {FileSystemHandle} H
 * @template T
 * @param {H} handle
 * @param {(handle: H) => Promise<T>} question
 * @returns {Promise<T>}
 */
export function ask<H extends FileSystemHandle, T>(handle: H, question: (handle: H) => Promise<T>): Promise<T>;
/** @param {ArrayBuffer} bytes */
export function hex(bytes: ArrayBuffer): string;
/**
 * The models that this browser keeps for this origin, complete or not.
 * @returns {Promise<StoredModel[]>} none where the browser keeps no files
 */
export function listModels(): Promise<StoredModel[]>;
/**
 * Deletes a model from this browser. A Clip that has it goes on; the next createClip loads it anew.
 * @param {string | URL} model its name or its URL, as listModels gives them
 * @returns {Promise<boolean>} whether there was one
 */
export function deleteModel(model: string | URL): Promise<boolean>;
/**
 * How much room there is for models, and whether the browser may clear them away by itself.
 * @returns {Promise<{ usage: number, quota: number, persisted: boolean }>} bytes of everything that this origin keeps; zeros where it may keep nothing, or the browser does not say
 */
export function storageEstimate(): Promise<{
    usage: number;
    quota: number;
    persisted: boolean;
}>;
/**
 * Asks the browser not to clear models away when the disk runs short. Browsers may ask the user; call it only once they
 * have agreed to keep the model.
 * @returns {Promise<boolean>} whether it will not
 */
export function persistModels(): Promise<boolean>;
/** One model's directory; for Workers. */
export class ModelStore {
    /**
     * @param {string} url of the model's directory
     * @returns {Promise<ModelStore>}
     */
    static open(url: string): Promise<ModelStore>;
    /**
     * @param {FileSystemDirectoryHandle} directory
     * @param {string} name
     */
    constructor(directory: FileSystemDirectoryHandle, name: string);
    /**
     * @param {string} file
     * @param {Buffers} buffers for its bytes
     * @returns {Promise<Uint8Array | undefined>} whatever is there, to be checked; undefined if nothing can be read
     */
    read(file: string, buffers?: Buffers): Promise<Uint8Array | undefined>;
    /**
     * @param {string} file
     * @param {Uint8Array} bytes
     * @returns {Promise<void>} rejects with a DOMException named QuotaExceededError where there is no room
     */
    write(file: string, bytes: Uint8Array): Promise<void>;
    /** @returns {Promise<Uint8Array | undefined>} undefined if there is none, or one that a crash cut short */
    manifest(): Promise<Uint8Array | undefined>;
    /**
     * @param {Uint8Array} manifest
     * @param {readonly string[]} towers
     * @returns {Promise<boolean>} whether all files are there that these towers need; what is in them is not looked at
     */
    hasAll(manifest: Uint8Array, towers: readonly string[]): Promise<boolean>;
    /** @returns {Promise<number>} of all that is there */
    bytes(): Promise<number>;
    /**
     * Keeps the manifest of a model that has been loaded, and removes files that only an older version needed. Where files
     * are missing that there was no room for, a version that is here already stays instead.
     * @param {Uint8Array} manifest
     * @param {boolean} whole whether all files that were loaded are kept
     */
    commit(manifest: Uint8Array, whole: boolean): Promise<void>;
    /**
     * Runs a task while no other tab of this origin runs one for the same file.
     * @template T
     * @param {AbortSignal | undefined} signal ends the waiting
     * @param {string} file
     * @param {() => Promise<T>} task
     * @returns {Promise<T>}
     */
    alone<T>(signal: AbortSignal | undefined, file: string, task: () => Promise<T>): Promise<T>;
    #private;
}
/**
 * A model that is kept.
 */
export type StoredModel = {
    name: string;
    /**
     * the directory that it was loaded from
     */
    url: string;
    source?: string | undefined;
    license?: string | undefined;
    /**
     * of its files that are kept; the manifest is none of them, here and in ClipProgress
     */
    bytes: number;
    /**
     * bytes of all its files
     */
    total: number;
    /**
     * as createClip takes it, of the version that is kept; empty until a model has been loaded once
     */
    integrity: string;
    /**
     * files of that version that are not here any more, or were never
     */
    missing: {
        file: string;
        bytes: number;
    }[];
};
import { Buffers } from './memory.js';
