/**
 * Searches a list of pictures by words or by a picture that is like them.
 *
 * ```html
 * <clip-search>
 *   <img src="/cat.jpg" alt="Our cat">
 *   <img src="/boat.jpg" alt="The boat">
 * </clip-search>
 * ```
 *
 * The pictures are the img elements within it, or the attribute's, or the property's. They are looked at once, at the
 * first search.
 *
 * @tagname clip-search
 * @attr {string} images - addresses of pictures, separated by commas or as a JSON array; instead of img elements
 * @attr {string} template - the sentence around what is searched for, at its {}; default '{}'
 * @attr {number} top-k - how many to show after a search; default all
 *
 * @fires {CustomEvent<ClipInfo>} clip-ready - the model is there
 * @fires {CustomEvent<ClipProgress>} clip-progress - so much of the model is there
 * @fires {CustomEvent<{ query: string | ImageInput, matches: Match[] }>} clip-result - a search is done, best first
 * @fires {CustomEvent<{ error: Error, image?: ImageInput, name?: string }>} clip-error - what the element shows as an error; with image, a picture's own
 *
 * @csspart base - all of it
 * @csspart form - the line with the query
 * @csspart caption - the query's label
 * @csspart field - the query with its label
 * @csspart input - the query
 * @csspart actions - the buttons beside it
 * @csspart button - each button
 * @csspart example - the button that takes a picture
 * @csspart example-input - its file input, which cannot be seen
 * @csspart status - the strip of progress and errors
 * @csspart progress - the bar
 * @csspart message - the words below the bar, or the error
 * @csspart retry - the button below an error
 * @csspart heading - what was searched for
 * @csspart link - each button that looks like a link
 * @csspart clear - the button that ends the search
 * @csspart tiles - the list of pictures
 * @csspart result - an entry of the list
 * @csspart best - the best one
 * @csspart tile - the button that a picture is
 * @csspart thumbnail - the picture
 * @csspart tile-foot - the line below it
 * @csspart name - its name
 * @csspart score - its score
 *
 * @cssproperty --clip-surface - ground
 * @cssproperty --clip-ink - text, solid buttons, focus ring
 * @cssproperty --clip-ink-soft - lesser text
 * @cssproperty --clip-line - separating lines
 * @cssproperty --clip-line-strong - frames of what can be used
 * @cssproperty --clip-track - ground of tiles
 * @cssproperty --clip-fill - where a picture will be
 * @cssproperty --clip-accent-fill - the best match
 * @cssproperty --clip-error - text of errors
 * @cssproperty --clip-radius - of corners; default 12px
 * @cssproperty --clip-gap - between things; default 16px
 * @cssproperty --clip-font - font-family
 * @cssproperty --clip-thumbnail-size - least width of the pictures; default 9rem
 */
export class ClipSearch extends ClipElement {
    constructor();
    /** @param {string | readonly (ImageInput | SearchImage)[]} value */
    set images(value: string | readonly (ImageInput | SearchImage)[]);
    /**
     * The pictures to search among.
     * @returns {readonly (ImageInput | SearchImage)[]}
     */
    get images(): readonly (ImageInput | SearchImage)[];
    set template(value: string);
    /** The sentence around what is searched for, at its {}. @returns {string} */
    get template(): string;
    set topK(value: number);
    /**
     * How many to show after a search; 0 for all.
     * @returns {number}
     */
    get topK(): number;
    /** What was searched for last. @returns {string | ImageInput | undefined} */
    get query(): string | ImageInput | undefined;
    /**
     * Searches, as if the visitor had.
     * @param {string | ImageInput} query words; a URL object, file or element for a picture
     * @param {{ name?: string }} [options] how to call a picture
     * @returns {Promise<Match[]>} best first
     */
    search(query: string | ImageInput, { name }?: {
        name?: string;
    }): Promise<Match[]>;
    /** Shows all pictures again, in their own order. What is known of them stays. */
    reset(): void;
    #private;
}
export type Clip = import("../clipside.js").Clip;
export type ImageInput = import("../clipside.js").ImageInput;
/**
 * A picture to search among.
 */
export type SearchImage = {
    image: ImageInput;
    /**
     * what it is called; default: its file's name
     */
    name?: string | undefined;
};
/**
 * score is the cosine to the query, from -1 to 1
 */
export type Match = {
    image: ImageInput;
    name: string;
    index: number;
    score: number;
};
/**
 * A picture in the element.
 */
export type Tile = {
    image: ImageInput;
    name: string;
    item: HTMLLIElement;
    shown: HTMLImageElement | HTMLCanvasElement;
    score: HTMLElement;
    embedding: Float32Array | undefined;
    /**
     * whether this search could not read it
     */
    broken: boolean;
};
import { ClipElement } from './element.js';
