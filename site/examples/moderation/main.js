import { createClip } from '../../clipside.js';

// What must not be sent, and what else may come, in words. Both sides need enough of them: a picture is always given to
// some label.
const unwanted = ['person'];
const wanted = ['cat', 'dog', 'bird', 'cup of coffee', 'rocket', 'car', 'house', 'landscape'];
/** So likely may something unwanted be at most: in doubt a picture is stopped. */
const threshold = 0.25;

const verdict = document.querySelector('#verdict');
const send = document.querySelector('#send');

let clip;
let pending = new AbortController();

document.querySelector('#file').addEventListener('change', async ({ target }) => {
  pending.abort();
  const { signal } = (pending = new AbortController());
  send.disabled = true;
  const [file] = target.files;
  if (!file) return;
  try {
    verdict.textContent = 'Looking at it…';
    clip ??= createClip();
    const result = await (await clip).classify(file, [...wanted, ...unwanted], { signal });
    const risk = result.filter(({ label }) => unwanted.includes(label)).reduce((sum, { score }) => sum + score, 0);
    send.disabled = risk > threshold;
    verdict.textContent = send.disabled
      ? `Stopped: ${Math.round(risk * 100)}% that it shows a person.`
      : 'Nobody in it: it may be uploaded.';
  } catch (error) {
    if (signal.aborted) return;
    if (error.name !== 'ImageDecodeError') clip = undefined; // the next picture tries anew
    verdict.textContent = `It could not be checked, so it cannot be sent. ${error.message}`;
  }
});

document.querySelector('#form').addEventListener('submit', (event) => {
  event.preventDefault(); // here a real page sends it
  verdict.textContent = 'Uploaded (this example sends nothing).';
});
