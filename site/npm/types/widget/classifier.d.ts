/**
 * A picture in the element.
 * @typedef {object} Card
 * @property {ImageInput} image
 * @property {string} name
 * @property {Label[] | undefined} result
 * @property {boolean} answered whether it shows what is known of it: its labels, or that it cannot be read
 * @property {HTMLLIElement} item
 * @property {HTMLCanvasElement} thumbnail hidden until it is drawn
 * @property {HTMLElement} content
 */
/**
 * Says which of its labels fits a picture that the visitor drops, chooses or pastes.
 *
 * ```html
 * <clip-classifier labels="a cat, a dog, something else"></clip-classifier>
 * ```
 *
 * In a form it takes part under its name with the best label as value, like an input.
 *
 * @tagname clip-classifier
 * @attr {string} labels - what to choose from: separated by commas, or a JSON array
 * @attr {string} template - the sentence around a label, at its {}; default 'a photo of a {}.'
 * @attr {number} top-k - how many of the best to show; default all
 * @attr {boolean} multiple - takes several pictures
 * @attr {string} name - in a form, the name of the value
 * @attr {boolean} disabled - takes no pictures
 *
 * @fires {CustomEvent<ClipInfo>} clip-ready - the model is there
 * @fires {CustomEvent<ClipProgress>} clip-progress - so much of the model is there
 * @fires {CustomEvent<{ image: ImageInput, name: string, result: Label[] }>} clip-result - a picture has its labels, best first
 * @fires {CustomEvent<{ error: Error, image?: ImageInput, name?: string }>} clip-error - what the element shows as an error; with image, a picture's own
 *
 * @csspart base - all of it
 * @csspart drop - where pictures are dropped
 * @csspart input - the file input, which lies over drop and cannot be seen
 * @csspart title - the words in drop
 * @csspart hint - the words below
 * @csspart button - each button
 * @csspart choose - the button in drop
 * @csspart status - the strip of progress and errors
 * @csspart progress - the bar of the download
 * @csspart message - the words below the bar, or the error
 * @csspart retry - the button below an error
 * @csspart results - the list of pictures
 * @csspart result - a picture with its labels
 * @csspart thumbnail - the picture
 * @csspart body - what is beside it
 * @csspart name - the picture's name
 * @csspart bars - the list of labels
 * @csspart bar - a label with its score
 * @csspart best - the best one
 * @csspart bar-fill - as long as the score is high
 * @csspart label - the label's text
 * @csspart score - the score's text
 * @csspart note - what is said of a picture that waits
 * @csspart error - what is said of a picture that cannot be read
 * @csspart detail - why it cannot
 * @csspart foot - the line with the button clear
 * @csspart link - each button that looks like a link
 * @csspart clear - the button that takes all pictures away
 *
 * @cssproperty --clip-surface - ground
 * @cssproperty --clip-ink - text, solid buttons, focus ring
 * @cssproperty --clip-ink-soft - lesser text
 * @cssproperty --clip-line - separating lines
 * @cssproperty --clip-line-strong - frames of what can be used
 * @cssproperty --clip-track - ground of bars
 * @cssproperty --clip-fill - bars
 * @cssproperty --clip-accent - highlight
 * @cssproperty --clip-accent-fill - bar of the best label
 * @cssproperty --clip-error - text of errors
 * @cssproperty --clip-radius - of corners; default 12px
 * @cssproperty --clip-gap - between things; default 16px
 * @cssproperty --clip-font - font-family
 * @cssproperty --clip-thumbnail-size - width of the pictures; default 9rem
 */
export class ClipClassifier extends ClipElement {
    static formAssociated: boolean;
    constructor();
    /** @param {string | readonly string[]} value */
    set labels(value: string | readonly string[]);
    /**
     * What to choose from.
     * @returns {string[]}
     */
    get labels(): string[];
    set template(value: string | readonly string[]);
    /**
     * The sentence around a label, at its {}; of several the mean is taken.
     * @returns {string | readonly string[]}
     */
    get template(): string | readonly string[];
    set topK(value: number);
    /**
     * How many of the best labels to show; 0 for all.
     * @returns {number}
     */
    get topK(): number;
    set multiple(value: boolean);
    /** @returns {boolean} */
    get multiple(): boolean;
    set name(value: string);
    /** @returns {string} */
    get name(): string;
    set disabled(value: boolean);
    /** @returns {boolean} */
    get disabled(): boolean;
    /** The best label of the last picture, '' where there is none. @returns {string} */
    get value(): string;
    /** The form that the element takes part in. @returns {HTMLFormElement | null} */
    get form(): HTMLFormElement | null;
    /**
     * The pictures and what was found, in the order in which they came.
     * @returns {{ image: ImageInput, name: string, result: Label[] | undefined }[]}
     */
    get results(): {
        image: ImageInput;
        name: string;
        result: Label[] | undefined;
    }[];
    /**
     * Shows a picture and classifies it, as if the visitor had dropped it.
     * @param {ImageInput} image
     * @param {{ name?: string }} [options] how to call it; default: the file's name
     * @returns {Promise<Label[]>} best first. Rejects as Clip.classify does; what is shown and told by event does not depend on it
     */
    classify(image: ImageInput, { name }?: {
        name?: string;
    }): Promise<Label[]>;
    /** Takes all pictures away and ends the work on them. The model stays. */
    reset(): void;
    formResetCallback(): void;
    /** @param {boolean} disabled */
    formDisabledCallback(disabled: boolean): void;
    #private;
}
export type ImageInput = import("../clipside.js").ImageInput;
export type Label = import("../clipside.js").Label;
/**
 * A picture in the element.
 */
export type Card = {
    image: ImageInput;
    name: string;
    result: Label[] | undefined;
    /**
     * whether it shows what is known of it: its labels, or that it cannot be read
     */
    answered: boolean;
    item: HTMLLIElement;
    /**
     * hidden until it is drawn
     */
    thumbnail: HTMLCanvasElement;
    content: HTMLElement;
};
import { ClipElement } from './element.js';
