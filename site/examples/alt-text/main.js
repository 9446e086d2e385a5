import { createClip } from '../../clipside.js';

// What a picture may show, and how. A text is made of the best of each, and only of what is likely enough.
const subjects = [
  'a cat',
  'a dog',
  'a bird',
  'a cup of coffee',
  'a plate of food',
  'a rocket',
  'an aeroplane',
  'a car',
  'a person',
  'a house',
  'a landscape',
];
const views = ['seen from close by', 'seen from far away'];
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
    for await (const { index, result, error } of clip.classifyEach(pictures, subjects, { template: 'a photo of {}.', topK: 1 })) {
      if (error) continue;
      const [subject] = result;
      const [view] = await clip.classify(pictures[index], views, { template: `a photo of ${subject.label}, {}.`, topK: 1 });
      const words = [subject.score >= likely && subject.label, view.score >= likely && view.label].filter(Boolean).join(', ');
      fields[index].value = pictures[index].alt = words && words[0].toUpperCase() + words.slice(1);
    }
    status.textContent = 'Please read them: a model of this kind errs.';
  } catch (error) {
    status.textContent = error.message;
  } finally {
    clip?.dispose();
    target.disabled = false;
  }
});
