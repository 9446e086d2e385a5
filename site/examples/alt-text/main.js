import { createClip } from '../../clipside.js';

// What a picture on this site may show. Whatever it is, one of them is the best: so it must also be likely enough.
const subjects = ['cat', 'dog', 'bird', 'cup of coffee', 'plate of food', 'rocket', 'car', 'person', 'house', 'landscape'];
const likely = 0.5;

const status = document.querySelector('#status');
const pictures = [...document.querySelectorAll('#pictures img')];

const fields = pictures.map((picture, i) => {
  const label = document.createElement('label');
  label.textContent = `Text for picture ${i + 1} `;
  const field = document.createElement('input');
  label.append(field);
  picture.after(label);
  field.addEventListener('input', () => (picture.alt = field.value));
  return field;
});

document.querySelector('#propose').addEventListener('click', async ({ target }) => {
  target.disabled = true;
  let clip;
  try {
    status.textContent = 'Fetching the model…';
    clip = await createClip();
    for await (const { index, result, error } of clip.classifyEach(pictures, subjects, { topK: 1 })) {
      const best = !error && result[0].score >= likely ? result[0].label : '';
      fields[index].value = pictures[index].alt = best && `A ${best}`;
      fields[index].placeholder = best ? '' : 'Nothing is likely enough';
    }
    status.textContent = 'Please read them: a model of this kind errs.';
  } catch (error) {
    status.textContent = error.message;
  } finally {
    clip?.dispose();
    target.disabled = false;
  }
});
