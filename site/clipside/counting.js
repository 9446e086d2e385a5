// How far a call has come, in texts and pictures.

/** @typedef {import('../clipside.js').CallProgress} CallProgress */

export class Counting {
  #pictures;
  #emit;
  /** Texts to be embedded; known when the engine has looked at them. @type {number | undefined} */
  #texts;
  #textsDone = 0;
  /** In batches that are over, and in all. */
  #batches = 0;
  #picturesDone = 0;
  #loaded = -1;

  /**
   * @param {boolean} texts whether there may be any
   * @param {number} pictures how many
   * @param {(progress: CallProgress) => void} emit
   */
  constructor(texts, pictures, emit) {
    this.#pictures = pictures;
    this.#emit = emit;
    if (!texts) this.#texts = 0;
    this.#tell();
  }

  /**
   * What the engine tells, of one batch of pictures. A batch that is done again, on another device or for its labels
   * alone, counts once: done never falls and the total stays what it was at first.
   * @type {import('./engine.js').Tell}
   */
  engine = (kind, done, total) => {
    if (kind === 'texts') {
      this.#texts ??= total;
      this.#textsDone = Math.max(this.#textsDone, Math.min(done, this.#texts));
    } else {
      this.#picturesDone = Math.max(this.#picturesDone, this.#batches + done);
    }
    this.#tell();
  };

  /** @param {number} pictures of a batch that is over */
  batch(pictures) {
    this.#batches += pictures;
    this.#picturesDone = this.#batches;
    this.#tell();
  }

  /** The call is about to be answered. */
  end() {
    this.#textsDone = this.#texts ?? 0;
    this.#tell();
  }

  #tell() {
    if (this.#texts === undefined) return;
    const total = this.#texts + this.#pictures;
    const loaded = this.#textsDone + this.#picturesDone;
    if (total === 0 || loaded === this.#loaded) return;
    this.#loaded = loaded;
    this.#emit({ loaded, total });
  }
}
