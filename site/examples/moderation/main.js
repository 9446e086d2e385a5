import { createClip } from '../../clipside.js';

// What is wanted and what is not, in words. Both sides need enough of them: a picture is always given to some label.
const wanted = ['a cat'];
const unwanted = ['a cup of coffee', 'a rocket', 'a person', 'a dog', 'a document'];
/** So sure must the gate be to let a picture pass; in doubt it does not. */
const threshold = 0.6;

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
    const result = await (await clip).classify(file, [...wanted, ...unwanted], { template: 'a photo of {}.', signal });
    const allowed = result.filter(({ label }) => wanted.includes(label)).reduce((sum, { score }) => sum + score, 0);
    send.disabled = allowed < threshold;
    verdict.textContent = send.disabled ? `Not accepted: it looks like ${result[0].label}.` : 'Accepted.';
  } catch (error) {
    if (signal.aborted) return;
    clip = undefined;
    verdict.textContent = `It could not be checked, so it cannot be sent. ${error.message}`;
  }
});

document.querySelector('#form').addEventListener('submit', (event) => {
  event.preventDefault(); // here a real page sends it
  verdict.textContent = 'Uploaded (this example sends nothing).';
});
