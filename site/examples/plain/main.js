import { createClip } from '../../clipside.js';

const status = document.querySelector('#status');
const list = document.querySelector('#result');
const labels = ['cat', 'cup of coffee', 'rocket', 'person'];

let clip;

document.querySelector('#file').addEventListener('change', async ({ target }) => {
  if (!target.files[0]) return; // the choice was taken back
  target.disabled = true;
  try {
    status.textContent = 'Working…';
    clip ??= await createClip();
    const result = await clip.classify(target.files[0], labels);
    list.replaceChildren(
      ...result.map(({ label, score }) => {
        const item = document.createElement('li');
        item.textContent = `${label}: ${(score * 100).toFixed(1)}%`;
        return item;
      }),
    );
    status.textContent = 'Done.';
  } catch (error) {
    status.textContent = error.message;
  } finally {
    target.disabled = false;
  }
});
