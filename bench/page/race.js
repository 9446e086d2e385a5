// The race's page: the two contenders take turns on the same inputs. Driven from outside through globalThis.race.

import { address, cosine, makePictures, toPixelValues } from './inputs.js';
import { Ort } from './ort.js';

/** @typedef {import('./inputs.js').ModelFacts} ModelFacts */
/** @typedef {import('./ort.js').WebGPUMode} WebGPUMode */
/** @typedef {import('./ort.js').Trial} Trial */

/**
 * @typedef {object} RowRequest
 * @property {'image' | 'text'} kind
 * @property {boolean} apart whether texts share no beginning
 * @property {number} n inputs a call
 * @property {number} seconds for the timed calls of both together
 * @property {number} slowest milliseconds that a call may take
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
 * @property {boolean} stuck whether a call goes on that took too long: this page is of no use any more
 */

const inBrowser = typeof document !== 'undefined';

/** @type {any} */
let clip;
/** @type {Ort} */
let peer;
/** @type {ModelFacts} */
let facts;
/** @typedef {{ texts: string[], ids: number[][] }} Texts */
/** @type {{ alike: Texts, apart: Texts }} */
let pools;
const taken = { alike: 0, apart: 0 };

/** The least that one input took, by contender and kind: to foresee what a larger batch takes. */
const perInput = { image: { ours: Infinity, peer: Infinity }, text: { ours: Infinity, peer: Infinity } };

/**
 * @typedef {object} LaneRequest
 * @property {ModelFacts} facts
 * @property {'webgpu' | 'cpu'} device
 * @property {boolean} half
 * @property {number} threads
 * @property {boolean} worker whether the peer computes in a Worker of its own
 * @property {{ image: WebGPUMode, text: WebGPUMode }} modes
 */

/** @param {LaneRequest} request */
function openPeer({ facts, device, half, threads, worker, modes }) {
  return Ort.open(facts, { provider: device === 'cpu' ? 'wasm' : 'webgpu', half, threads, worker, modes });
}

/**
 * Whether the peer works in a mode, and how fast; the page is of no use afterwards.
 * @param {LaneRequest & { kind: 'image' | 'text', mode: WebGPUMode, slowest: number }} request
 * @returns {Promise<Trial>}
 */
async function tryMode(request) {
  return (await openPeer(request)).tryMode(request.kind, request.mode, request.slowest);
}

/** @param {LaneRequest} request */
async function open(request) {
  facts = request.facts;
  pools = await (await fetch(address(`../texts/${facts.name}.json`))).json();
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
async function row({ kind, apart, n, seconds, slowest, most }) {
  /** @type {Row} */
  const result = {
    ours: [],
    peer: [],
    engine: [],
    cosine: 1,
    apart: n > 1 ? 1 : 0,
    mode: '',
    reason: '',
    stuck: false,
  };
  for (const who of /** @type {const} */ (['ours', 'peer'])) {
    const expected = perInput[kind][who] * n;
    if (expected > slowest && expected < Infinity) {
      result.reason = `not run: ${n} times ${names[who]}'s shortest time an input would be ${Math.round(expected / 1000)} s`;
      return result;
    }
  }
  let encoder;
  try {
    encoder = await within(3 * slowest, peer.encoder(kind, n), 'peer');
  } catch (error) {
    const late = error instanceof TooSlow;
    result.reason = late ? error.message : `the peer fails: ${/** @type {any} */ (error)?.message ?? error}`;
    result.stuck = late;
    return result;
  }
  result.mode = encoder.mode;
  try {
    const pictures = kind === 'image' ? makePictures(n, facts.size) : [];
    const pixels = toPixelValues(pictures, facts);

    /** One call of each on the same inputs, in turns. */
    const turn = async (/** @type {boolean} */ oursFirst, limit = slowest) => {
      const which = apart ? 'apart' : 'alike';
      const pool = pools[which];
      const at = taken[which];
      if (kind === 'text') taken[which] += n;
      if (taken[which] > pool.texts.length) throw new RangeError(`only ${pool.texts.length} texts`);
      const ids = kind === 'text' ? BigInt64Array.from(pool.ids.slice(at, at + n).flat(), BigInt) : null;
      const texts = pool.texts.slice(at, at + n);
      const given = ids ?? pixels.slice(); // a Worker takes them away
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
          theirs = await encoder.run(given).catch((/** @type {unknown} */ error) => {
            throw new PeerFailure(error);
          });
        },
      };
      for (const who of oursFirst ? /** @type {const} */ (['ours', 'peer']) : /** @type {const} */ (['peer', 'ours'])) {
        await new Promise((done) => setTimeout(done, settled));
        const start = performance.now();
        await within(limit, timed[who](), who);
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

    // Neither is warm in the first turns: programs are compiled, by the browser once more when they have run a while.
    let warming = 0;
    for (let n = 0; n < warmingTurns && warming < seconds * 250; n++) {
      const times = await turn(n % 2 === 0, n === 0 ? 3 * slowest : slowest);
      warming += times.ours + times.peer;
    }
    result.engine.length = 0;
    let spent = 0;
    for (let n = 0; n < most && (spent < seconds * 1000 || (n < 3 && spent < seconds * 2000)); n++) {
      const times = await turn(n % 2 === 0);
      result.ours.push(times.ours);
      result.peer.push(times.peer);
      spent += times.ours + times.peer;
    }
    return result;
  } catch (error) {
    // After a failure the runtime may open no other session.
    if (error instanceof TooSlow || error instanceof PeerFailure) {
      Object.assign(result, { ours: [], peer: [], reason: error.message, stuck: true });
      return result;
    }
    result.reason = `failed: ${/** @type {any} */ (error)?.message ?? error}`;
    return result;
  } finally {
    if (!result.stuck) await encoder.release().catch(() => {});
  }
}

/** How many calls of each are not counted, at most. */
const warmingTurns = 6;

const names = { ours: 'clipside', peer: 'the peer' };

/**
 * How long no one computes before a timed call, in milliseconds: threads look for more work after a call, those of
 * onnxruntime-web for 10 to 20 ms, and with as many threads as processors the next call would have them for company.
 */
const settled = 50;

class PeerFailure extends Error {
  /** @param {unknown} error */
  constructor(error) {
    super(`the peer fails: ${/** @type {any} */ (error)?.message ?? error}`);
  }
}

/** A call that took too long, and goes on. */
class TooSlow extends Error {
  /**
   * @param {'ours' | 'peer'} who
   * @param {number} limit milliseconds
   */
  constructor(who, limit) {
    super(`${names[who]} takes longer than ${Math.round(limit / 1000)} s a call`);
  }
}

/**
 * @template T
 * @param {number} limit milliseconds
 * @param {Promise<T>} call
 * @param {'ours' | 'peer'} who
 * @returns {Promise<T>}
 */
async function within(limit, call, who) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new TooSlow(who, limit)), limit)));
  return Promise.race([call, late]).finally(() => clearTimeout(timer));
}

/** @type {any} */ (globalThis).race = { tryMode, open, row };
