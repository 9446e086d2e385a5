// The page's one Worker, shared by all its Clips: started for the first, ended after the last. There are more only
// where Clips are told to take theirs from different scripts.

import { Bridge } from './bridge.js';
import { EngineError } from './errors.js';
import { spawn } from './spawn.js';

/** @typedef {import('./bridge.js').Bridge<import('./worker.js').EngineMethods>} EngineBridge */

class Host {
  #script;
  /** @type {Worker} */
  #worker;
  /** @type {EngineBridge} */
  bridge;
  /** How many hold it; it ends when none does. */
  users = 0;

  /** @param {string} script see spawn */
  constructor(script) {
    this.#script = script;
    this.#worker = spawn(script);
    this.bridge = new Bridge(this.#worker, () => this.end());
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault(); // the rejections tell it
      // A module that is missing, of the wrong type or refused by the policy is told by an event without a message.
      this.#crash(
        event.message
          ? `The engine stopped: ${event.message}. Make a new Clip to start it again.`
          : "The engine could not be started: clipside/worker.js or a module that it imports did not load, or the page’s Content-Security-Policy refuses it (worker-src and script-src must allow 'self').",
      );
    });
    this.#worker.addEventListener('messageerror', () =>
      this.#crash('The engine sent what this page cannot read. Make a new Clip to start it again.'),
    );
  }

  /** @param {string} message */
  #crash(message) {
    this.bridge.close(new EngineError(message));
    this.end();
  }

  end() {
    if (hosts.get(this.#script) === this) hosts.delete(this.#script);
    this.#worker.terminate();
  }
}

/** @type {Map<string, Host>} by script */
const hosts = new Map();

/**
 * A hold on the Worker.
 * @typedef {object} Lease
 * @property {EngineBridge} bridge
 * @property {() => boolean} isLast whether nobody else holds it
 * @property {() => void} release ends the Worker if nobody else holds it; further calls do nothing
 */

/**
 * @param {string} script see spawn
 * @returns {Lease}
 * @throws {EngineError} where no Worker can be started
 */
export function lease(script) {
  const host = hosts.get(script) ?? new Host(script);
  hosts.set(script, host);
  host.users++;
  let held = true;
  return {
    bridge: host.bridge,
    isLast: () => host.users === 1,
    release() {
      if (!held) return;
      held = false;
      if (--host.users === 0) host.end();
    },
  };
}
