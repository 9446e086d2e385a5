/**
 * The base of the elements, which load a model when they first need it and give it back when they leave the page.
 *
 * @attr {string} model - the bundle's directory; default: models/starter/ beside the module
 * @attr {'auto' | 'webgpu' | 'cpu'} device - what to compute on; default auto
 * @attr {string} worker - see createClip's option of this name: only where the module comes from another origin
 * @attr {boolean} auto-load - fetches the model at once; without it, when the visitor first needs it
 * @attr {string} lang - language of the element's own words; default: that of the page around it
 */
export class ClipElement extends HTMLElement {
    static observedAttributes: string[];
    /** @param {CSSStyleSheet} own */
    constructor(own: CSSStyleSheet);
    /**
     * @protected
     * @type {HTMLDivElement}
     */
    protected base: HTMLDivElement;
    /**
     * The strip that shows progress and errors, for the element to place.
     * @protected
     */
    protected get statusStrip(): HTMLDivElement;
    set model(value: string);
    /** @returns {string} */
    get model(): string;
    set device(value: Device);
    /** @returns {Device} */
    get device(): Device;
    set worker(value: string);
    /** @returns {string} */
    get worker(): string;
    set autoLoad(value: boolean);
    /** @returns {boolean} */
    get autoLoad(): boolean;
    set strings(value: Partial<Strings>);
    /**
     * Strings to be used instead of the language's own; those that are missing stay.
     * @returns {Partial<Strings>}
     */
    get strings(): Partial<Strings>;
    /** Whether the model is there. @returns {ClipState} */
    get state(): ClipState;
    /** What the loaded model is and runs on. @returns {ClipInfo | undefined} */
    get info(): ClipInfo | undefined;
    /**
     * Loads the model, unless that is done or under way.
     * @returns {Promise<ClipInfo>} rejects as createClip does, and with a DOMException named InvalidStateError while the element is in no document
     */
    load(): Promise<ClipInfo>;
    connectedCallback(): void;
    disconnectedCallback(): void;
    /**
     * @param {string} name
     * @param {string | null} old
     * @param {string | null} value
     */
    attributeChangedCallback(name: string, old: string | null, value: string | null): void;
    /**
     * Writes every string anew. Elements extend it.
     * @protected
     */
    protected localise(): void;
    /**
     * The work that is under way is of no use any more: the model goes. Elements extend it.
     * @protected
     */
    protected stopped(): void;
    /**
     * Has what is shown computed anew, once everything that is being changed has been, and once the element is on a page.
     * @protected
     */
    protected renew(): void;
    /**
     * Does what renew has put off, before something else is begun.
     * @protected
     */
    protected renewNow(): void;
    /**
     * Computes anew what is shown. Elements extend it.
     * @protected
     */
    protected renewed(): void;
    /** @protected @returns {Strings} */
    protected get words(): Strings;
    /** @protected @returns {string} a BCP 47 tag */
    protected get language(): string;
    /**
     * @protected
     * @param {number} score from 0 to 1
     */
    protected percent(score: number): string;
    /**
     * Fires when the model goes.
     * @protected
     */
    protected get tenancy(): AbortSignal;
    /**
     * The model, loaded if need be. Tells of failures by event and on the element.
     * @protected
     * @returns {Promise<Clip>}
     */
    protected ready(): Promise<Clip>;
    /**
     * Says something to a screen reader, politely.
     * @protected
     * @param {string} text empty to take back what has not been said yet
     */
    protected announce(text: string): void;
    /**
     * @protected
     * @param {string} type
     * @param {unknown} detail
     */
    protected tell(type: string, detail: unknown): void;
    /**
     * Shows a message in the strip, in place of what is there.
     * @protected
     * @param {string} text '' for none
     * @param {{ share?: number, error?: boolean, detail?: string, retry?: () => void }} [options] share from 0 to 1 shows the bar; detail is an error's message, which is in English
     */
    protected say(text: string, { share, error, detail, retry }?: {
        share?: number;
        error?: boolean;
        detail?: string;
        retry?: () => void;
    }): void;
    /**
     * Shows and tells an error.
     * @protected
     * @param {unknown} error
     * @param {() => void} [retry]
     */
    protected fail(error: unknown, retry?: () => void): void;
    /**
     * @protected
     * @param {unknown} error
     * @returns {{ said: string, detail: string }} what a visitor can make of it, and the message for whoever built the page
     */
    protected explain(error: unknown): {
        said: string;
        detail: string;
    };
    /**
     * What the button beneath an error does.
     * @protected
     */
    protected retry(): void;
    /**
     * To be called with what a call on the model rejected with: a model that is lost makes room for the next.
     * @protected
     * @param {unknown} error
     * @returns {boolean} whether it is lost
     */
    protected lost(error: unknown): boolean;
    /**
     * @protected
     * @param {string} name
     * @param {unknown} value undefined, null and '' take the attribute away
     */
    protected reflect(name: string, value: unknown): void;
    #private;
}
export type Clip = import("../clipside.js").Clip;
export type ClipInfo = import("../clipside.js").ClipInfo;
export type ClipProgress = import("../clipside.js").ClipProgress;
export type Device = import("../clipside.js").Device;
export type Strings = import("./strings.js").Strings;
/**
 * of the element's model
 */
export type ClipState = "idle" | "loading" | "ready" | "error";
