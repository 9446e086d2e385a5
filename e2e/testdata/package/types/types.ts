// What the package's types must say, checked by tsc alone: nothing here runs.
import {
  type Clip,
  type ClipInfo,
  type ClipProgress,
  createClip,
  type ImageInput,
  ImageDecodeError,
  type Label,
  ModelError,
  type Similarity,
} from 'clipside';
import { env, pipeline } from 'clipside/pipeline';
import { ClipClassifier, type ClipClassifierResult, ClipSearch, type ClipSearchResult, type Match, registerStrings } from 'clipside/widget';
import 'clipside/worker';
import 'clipside/service-worker';

/** Fails to compile unless both are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<A, B>(_same: Same<A, B>): void {}

const clip = await createClip({
  device: 'auto',
  towers: ['image', 'text'],
  onProgress: ({ phase, loaded, total }) => [phase, loaded / total],
});
is<typeof clip, Clip>(true);
is<typeof clip.info, ClipInfo>(true);

// Scalar in, scalar out; an array in, an array out.
declare const picture: File;
declare const pictures: readonly ImageInput[];
const one = await clip.classify(picture, ['a cat', 'a dog'] as const, { template: ['a {}', 'the {}'], topK: 1 });
is<typeof one, Label[]>(true);
const templates = ['a {}', 'the {}'] as const;
await clip.classify(picture, ['a cat'], { template: templates });
const many = await clip.classify(pictures, ['a cat']);
is<typeof many, Label[][]>(true);
const text = await clip.embedTexts('a cat');
is<typeof text, Float32Array>(true);
const texts = await clip.embedTexts(['a cat'], { signal: AbortSignal.timeout(1000) });
is<typeof texts, Float32Array[]>(true);
const image = await clip.embedImages(document.createElement('canvas'));
is<typeof image, Float32Array>(true);
const images = await clip.embedImages(['a.jpg', new URL('https://example.org/b.jpg')]);
is<typeof images, Float32Array[]>(true);
const matrix = await clip.similarity(pictures, 'a cat');
is<typeof matrix, Similarity>(true);
for await (const each of clip.classifyEach(pictures, ['a cat'])) {
  if (each.error) is<typeof each.error, ImageDecodeError>(true);
  else is<typeof each.result, Label[]>(true);
}
is<Awaited<ReturnType<Clip['dispose']>>, void>(true);

clip.addEventListener('upgrade', ({ detail }) => is<typeof detail, ClipInfo>(true));
clip.addEventListener('upgradeerror', function ({ message }) {
  is<typeof this, Clip>(true);
  is<typeof message, string>(true);
});
clip.addEventListener('other', (event) => is<typeof event, Event>(true), { once: true });
const onUpgrade = (event: CustomEvent<ClipInfo>) => event.detail;
clip.addEventListener('upgrade', onUpgrade);
clip.removeEventListener('upgrade', onUpgrade);
clip.addEventListener('upgrade', { handleEvent: (event) => event.type });

// @ts-expect-error labels are a list
await clip.classify(picture, 'a cat');
// @ts-expect-error a number is no picture
await clip.embedImages(7);
// @ts-expect-error there is no such device
await createClip({ device: 'tpu' });
// @ts-expect-error only createClip makes one
new (clip.constructor as typeof Clip)();
// @ts-expect-error info is read only
clip.info = one;

try {
  await clip.embedTexts('a');
} catch (error) {
  if (error instanceof ModelError) is<typeof error.status, number | undefined>(true);
}

// The elements, by tag name, with their events.
const element = document.createElement('clip-classifier');
is<typeof element, ClipClassifier>(true);
element.labels = ['a cat', 'a dog'];
element.labels = ['a cat', 'a dog'] as const;
element.labels = 'a cat, a dog';
is<typeof element.labels, string[]>(true);
element.template = templates;
await clip.classify(picture, element.labels, { template: element.template });
element.topK = 3;
is<Awaited<ReturnType<typeof element.classify>>, Label[]>(true);
element.addEventListener('clip-progress', ({ detail }) => is<typeof detail, ClipProgress>(true));
element.addEventListener('clip-ready', ({ detail }) => is<typeof detail, ClipInfo>(true));
element.addEventListener('clip-error', ({ detail }) => is<typeof detail.error, Error>(true));
element.addEventListener('clip-result', ({ detail }) => {
  is<typeof detail, ClipClassifierResult>(true);
  is<typeof detail.result, Label[]>(true);
});
element.addEventListener('click', function ({ clientX }) {
  is<typeof this, ClipClassifier>(true);
  is<typeof clientX, number>(true);
});
element.addEventListener('other', (event) => is<typeof event, Event>(true));
// On what is around the elements it may be of either.
document.body.addEventListener('clip-result', ({ detail }) => {
  if ('result' in detail) is<typeof detail, ClipClassifierResult>(true);
  else is<typeof detail, ClipSearchResult>(true);
});
const search = document.querySelector('clip-search');
is<typeof search, ClipSearch | null>(true);
search?.addEventListener('clip-result', ({ detail }) => is<typeof detail.matches, Match[]>(true));
search?.addEventListener('clip-ready', ({ detail }) => is<typeof detail, ClipInfo>(true));
registerStrings('fr', { drop: 'Déposez une image ici' });
// @ts-expect-error there is no such string
registerStrings('fr', { dorp: '' });

// transformers.js's shape.
const classify = await pipeline('zero-shot-image-classification', 'starter', { progress_callback: ({ status }) => status });
is<Awaited<ReturnType<typeof classify>>, Label[][]>(true);
const result = await classify('a.jpg', ['a cat'], { hypothesis_template: 'a {}' });
is<typeof result, Label[]>(true);
env.localModelPath = '/models/';
