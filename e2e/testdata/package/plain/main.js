import { createClip } from './node_modules/clipside/clipside.js';

const clip = await createClip();
const [{ label }] = await clip.classify('coffee.png', ['cat', 'cup of coffee', 'rocket']);
document.querySelector('#answer').textContent = label;
