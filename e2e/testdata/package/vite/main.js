import { createClip } from 'clipside';
import 'clipside/widget';

const clip = await createClip({ model: 'models/starter/' });
const [{ label }] = await clip.classify('coffee.png', ['cat', 'cup of coffee', 'rocket']);
document.querySelector('#answer').textContent = label;
