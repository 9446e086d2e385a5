// The race's page: the two contenders take turns on the same inputs. Driven from outside through globalThis.race.

import { address, cosine, makePictures, toPixelValues } from './inputs.js';
import { Ort } from './ort.js';

/** @typedef {import('./inputs.js').ModelFacts} ModelFacts */
/** @typedef {import('./ort.js').WebGPUMode} WebGPUMode */

/**
 * @typedef {object} RowRequest
 * @property {'image' | 'text'} kind
 * @property {number} n inputs a call
 * @property {number} seconds for the timed calls of both together
 * @property {number} slowest milliseconds that a call may be expected to take
 * @property {number} most timed calls of each, at most
 */

/**
 * @typedef {object} Row
 * @property {number[]} ours milliseconds of each call
 * @property {number[]} peer
 * @property {number[]} engine ours, as the engine measured it inside its Worker
 * @property {number} cosine the lowest between the two
 * @property {number} apart the lowest cosine between two different inputs' embeddings of ours; 0 for one input
 * @property {string} mode how the peer ran
 * @property {string} reason why there are no times, or why the row does not count
 * @property {boolean} firstRun whether the times are of first calls, later ones being too slow to wait for
 */

const inBrowser = typeof document !== 'undefined';

/** @type {any} */
let clip;
/** @type {Ort} */
let peer;
/** @type {ModelFacts} */
let facts;
/** @type {{ texts: string[], ids: number[][] }} */
let pool;
let taken = 0;

/** The least that one input took, by contender and kind: to foresee what a larger batch takes. */
const perInput = { image: { ours: Infinity, peer: Infinity }, text: { ours: Infinity, peer: Infinity } };

/**
 * @typedef {object} LaneRequest
 * @property {ModelFacts} facts
 * @property {'webgpu' | 'cpu'} device
 * @property {boolean} half
 * @property {number} threads
 * @property {{ image: WebGPUMode, text: WebGPUMode }} modes
 */

/** @param {LaneRequest} request */
function openPeer({ facts, device, half, threads, modes }) {
  return Ort.open(facts, { provider: device === 'cpu' ? 'wasm' : 'webgpu', half, threads, modes });
}

/**
 * Whether the peer works in a mode; the page is of no use afterwards.
 * @param {LaneRequest & { kind: 'image' | 'text', mode: WebGPUMode }} request
 * @returns {Promise<string>} empty if it does, else why not
 */
async function tryMode(request) {
  return (await openPeer(request)).tryMode(request.kind, request.mode);
}

/** @param {LaneRequest} request */
async function open(request) {
  facts = request.facts;
  pool = await (await fetch(address(`../texts/${facts.name}.json`))).json();
  const { createClip } = await import(address(inBrowser ? '../ours/clipside.js' : '../node/clip.js'));
  clip = await createClip({ model: address(`../models/${facts.name}/`), device: request.device, cache: false });
  peer = await openPeer(request);
  const { device, adapter, features, software } = clip.info;
  return { device, adapter, features, software, isolated: inBrowser && crossOriginIsolated };
}

/**
 * @param {RowRequest} request
 * @returns {Promise<Row>}
 */
async function row({ kind, n, seconds, slowest, most }) {
  /** @type {Row} */
  const result = {
    ours: [],
    peer: [],
    engine: [],
    cosine: 1,
    apart: n > 1 ? 1 : 0,
    mode: '',
    reason: '',
    firstRun: false,
  };
  for (const who of /** @type {const} */ (['ours', 'peer'])) {
    const expected = perInput[kind][who] * n;
    if (expected > slowest && expected < Infinity) {
      result.reason = `${who === 'ours' ? 'clipside' : 'the peer'} would take about ${Math.round(expected / 1000)} s a call`;
      return result;
    }
  }
  let encoder;
  try {
    encoder = await peer.encoder(kind, n);
  } catch (error) {
    result.reason = `the peer fails: ${/** @type {any} */ (error)?.message ?? error}`;
    return result;
  }
  result.mode = encoder.mode;
  try {
    const pictures = kind === 'image' ? makePictures(n, facts.size) : [];
    const pixels = toPixelValues(pictures, facts);

    /** One call of each on the same inputs, in turns. */
    const turn = async (/** @type {boolean} */ oursFirst) => {
      const at = taken;
      if (kind === 'text') taken += n;
      if (taken > pool.texts.length) throw new RangeError(`only ${pool.texts.length} texts`);
      const ids = kind === 'text' ? BigInt64Array.from(pool.ids.slice(at, at + n).flat(), BigInt) : null;
      const texts = pool.texts.slice(at, at + n);
      const times = { ours: 0, peer: 0 };
      /** @type {Float32Array[]} */
      let mine = [];
      /** @type {Float32Array} */
      let theirs = new Float32Array();
      const timed = {
        ours: async () => {
          mine = kind === 'image' ? await clip.embedImages(pictures) : await clip.embedTexts(texts);
        },
        peer: async () => {
          theirs = await encoder.run(ids ?? pixels);
        },
      };
      for (const who of oursFirst ? /** @type {const} */ (['ours', 'peer']) : /** @type {const} */ (['peer', 'ours'])) {
        const start = performance.now();
        await timed[who]();
        times[who] = performance.now() - start;
      }
      mine.forEach((e, i) => {
        const c = cosine(e, theirs.subarray(i * facts.embed, (i + 1) * facts.embed));
        result.cosine = c < result.cosine ? c : Number.isNaN(c) ? -1 : result.cosine;
        for (let j = 0; j < i; j++) result.apart = Math.min(result.apart, cosine(e, mine[j]));
      });
      for (const who of /** @type {const} */ (['ours', 'peer'])) perInput[kind][who] = Math.min(perInput[kind][who], times[who] / n);
      result.engine.push(clip.info.timings[kind] * (kind === 'image' ? n : 1));
      return times;
    };

    const first = await turn(true);
    let spent = first.ours + first.peer;
    if (spent > slowest) {
      result.ours.push(first.ours);
      result.peer.push(first.peer);
      result.firstRun = true;
      return result;
    }
    if (spent < seconds * 250) await turn(false);
    result.engine.length = 0; // both are warm by now
    spent = 0;
    for (let n = 0; n < most && (spent < seconds * 1000 || (n < 3 && spent < seconds * 2000)); n++) {
      const times = await turn(n % 2 === 0);
      result.ours.push(times.ours);
      result.peer.push(times.peer);
      spent += times.ours + times.peer;
    }
    return result;
  } catch (error) {
    result.reason = `failed: ${/** @type {any} */ (error)?.message ?? error}`;
    return result;
  } finally {
    await encoder.release().catch(() => {});
  }
}

/** @type {any} */ (globalThis).race = { tryMode, open, row };
