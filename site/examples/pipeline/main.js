import { pipeline } from '../../pipeline.js';

const status = document.querySelector('#status');

document.querySelector('#run').addEventListener('click', async ({ target }) => {
  target.disabled = true;
  let classify;
  try {
    classify = await pipeline('zero-shot-image-classification', 'starter', {
      progress_callback: ({ status: what, progress }) => (status.textContent = `${what} ${Math.round(progress)}%`),
    });
    const result = await classify('../../photos/chelsea.png', ['cat', 'rocket', 'cup of coffee']);
    document.querySelector('#result').textContent = JSON.stringify(result, null, 2);
    status.textContent = 'Done.';
  } catch (error) {
    status.textContent = error.message;
  } finally {
    await classify?.dispose();
    target.disabled = false;
  }
});
