/**
 * @param {'zero-shot-image-classification'} asked the only task
 * @param {string | URL | null} [model] an address (absolute, or beginning with / or a dot) of a bundle, or a name below env.localModelPath; default: the starter model
 * @param {PipelineOptions} [options]
 * @returns {Promise<ZeroShotImageClassificationPipeline>}
 */
export function pipeline(asked: "zero-shot-image-classification", model?: string | URL | null, { device, progress_callback: listener, signal }?: PipelineOptions): Promise<ZeroShotImageClassificationPipeline>;
export namespace env {
    let localModelPath: string | URL;
}
export type Clip = import("./clipside.js").Clip;
export type ImageInput = import("./clipside.js").ImageInput;
export type Label = import("./clipside.js").Label;
/**
 * How far a file is, as transformers.js tells it; here the whole model is one file.
 */
export type PipelineProgress = {
    status: "initiate" | "progress" | "done" | "ready";
    /**
     * the model, as it was passed
     */
    name: string;
    file: string;
    /**
     * percent
     */
    progress: number;
    /**
     * bytes
     */
    loaded: number;
    /**
     * bytes
     */
    total: number;
};
export type PipelineOptions = {
    /**
     * 'gpu' means webgpu, 'wasm' means cpu; default auto
     */
    device?: "auto" | "cpu" | "webgpu" | "gpu" | "wasm" | null | undefined;
    progress_callback?: ((progress: PipelineProgress) => void) | undefined;
    /**
     * taken and ignored: a bundle has one precision, fp16
     */
    dtype?: unknown;
    /**
     * taken and ignored: a bundle is what lies at its address
     */
    revision?: unknown;
    /**
     * not of transformers.js: ends the loading
     */
    signal?: AbortSignal | undefined;
};
export type CallOptions = {
    /**
     * default 'This is a photo of {}', as there
     */
    hypothesis_template?: string | undefined;
    /**
     * not of transformers.js: ends the call
     */
    signal?: AbortSignal | undefined;
};
export type Classify1 = (images: ImageInput, candidate_labels: readonly string[], options?: CallOptions | undefined) => Promise<Label[]>;
export type ClassifyMany = (images: readonly ImageInput[], candidate_labels: readonly string[], options?: CallOptions | undefined) => Promise<Label[][]>;
export type ZeroShotImageClassificationPipeline = Classify1 & ClassifyMany & {
    task: "zero-shot-image-classification";
    clip: Clip;
    dispose: () => Promise<void>;
};
