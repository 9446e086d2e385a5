import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { readDataURL } from '../clipside/inputs.js';
import { checkNames, readImages, readLabels, readOptions, readTemplates, readTexts, readTopK } from '../clipside/options.js';
import { ImageDecodeError } from '../clipside/errors.js';

const beside = new URL('https://site.example/lib/models/starter/');
before(() => {
  globalThis.location = new URL('https://site.example/app/index.html?x#y');
});

test('without options the starter beside the module is loaded whole, on the best device', () => {
  const { requests, wait } = readOptions({}, beside);
  assert.deepEqual(requests, [
    { model: beside.href, integrity: '', device: 'auto', towers: ['image', 'text'], cache: true, profile: false },
  ]);
  assert.equal(wait, true);
});

test('a model is a directory, relative to the page, with or without the slash or the manifest', () => {
  for (const [model, want] of [
    ['models/b32', 'https://site.example/app/models/b32/'],
    ['models/b32/', 'https://site.example/app/models/b32/'],
    ['models/b32/manifest.json', 'https://site.example/app/models/b32/'],
    ['/m', 'https://site.example/m/'],
    ['.', 'https://site.example/app/'],
    ['https://cdn.example/m?v=2#z', 'https://cdn.example/m/'],
    [new URL('https://cdn.example/'), 'https://cdn.example/'],
    ['chrome-extension://abc/models/b32', 'chrome-extension://abc/models/b32/'],
  ]) {
    assert.equal(readOptions({ model }, beside).requests[0].model, want);
  }
});

test("addresses and signals may be another frame's", () => {
  const named = (name, of) => Object.defineProperty(of, Symbol.toStringTag, { value: name });
  const signal = named('AbortSignal', {});
  const model = named('URL', { toString: () => 'https://cdn.example/m' });
  assert.equal(readOptions({ model, signal }, beside).requests[0].model, 'https://cdn.example/m/');
});

test('towers come in a fixed order, once each', () => {
  assert.deepEqual(readOptions({ towers: ['text', 'image', 'text'] }, beside).requests[0].towers, ['image', 'text']);
  assert.deepEqual(readOptions({ towers: ['text'] }, beside).requests[0].towers, ['text']);
});

test('of several models each has a request of its own', () => {
  const { requests } = readOptions({ model: ['small', new URL('https://cdn.example/large')], device: 'cpu' }, beside);
  assert.deepEqual(
    requests.map(({ model, device }) => [model, device]),
    [
      ['https://site.example/app/small/', 'cpu'],
      ['https://cdn.example/large/', 'cpu'],
    ],
  );
});

test('a pinned manifest is given in hex or as in HTML, one for each model', () => {
  const hex = 'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855';
  const base64 = 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
  const { requests } = readOptions({ model: ['a', 'b'], integrity: [hex, base64] }, beside);
  assert.deepEqual(
    requests.map(({ integrity }) => integrity),
    [hex.toLowerCase(), hex.toLowerCase()],
  );
});

test('wrong options are TypeErrors that show what was passed', () => {
  for (const [options, says] of [
    [null, /options are null/],
    ['models/x', /options are 'models\/x'/],
    [{ models: 'x' }, /no option 'models'/],
    [{ model: '' }, /model is ''/],
    [{ model: 7 }, /model is 7/],
    [{ model: 'http://[' }, /not a URL/],
    [{ model: 'file:///tmp/m' }, /http or https/],
    [{ device: 'gpu' }, /device is 'gpu'/],
    [{ towers: [] }, /towers is \[\]/],
    [{ towers: ['audio'] }, /towers is \['audio'\]/],
    [{ towers: 'image' }, /towers is 'image'/],
    [{ model: [] }, /model is an empty array/],
    [{ model: ['a', 7] }, /model is 7/],
    [{ integrity: 'sha256-short' }, /integrity is 'sha256-short'/],
    [{ integrity: 7 }, /integrity is 7/],
    [{ model: ['a', 'b'], integrity: 'e3' }, /1 manifests, but there are 2 models/],
    [{ wait: 'no' }, /wait is 'no'/],
    [{ cache: 'yes' }, /cache is 'yes'/],
    [{ signal: {} }, /signal is an object/],
    [{ onProgress: 1 }, /onProgress is 1/],
    [{ model: 'file:///build/models/starter/' }, /pass the address that the models were copied to/],
  ]) {
    assert.throws(
      () => readOptions(options, beside),
      (error) => error instanceof TypeError && says.test(error.message),
      String(says),
    );
  }
});

test('an option that a call does not have is named, with those that it has', () => {
  checkNames('classify', { topK: 1, onProgress: () => {}, anything: undefined });
  for (const [called, options, says] of [
    ['classify', { topk: 1 }, /^classify has no option 'topk'; it has signal, onTruncated, template, topK, onProgress\.$/],
    ['classifyEach', { onProgress: () => {} }, /^classifyEach has no option 'onProgress'/],
    ['embedEach', { template: '{}' }, /^embedEach has no option 'template'; it has signal\.$/],
    ['similarity', 7, /options are 7/],
  ])
    assert.throws(
      () => checkNames(called, options),
      (error) => error instanceof TypeError && says.test(error.message),
      String(says),
    );
});

test('labels, texts, templates and topK are checked', () => {
  assert.deepEqual(readLabels(['a cat', 'a dog']), ['a cat', 'a dog']);
  assert.deepEqual(readTexts('one'), { list: ['one'], single: true });
  assert.deepEqual(readTexts(['one']), { list: ['one'], single: false });
  assert.deepEqual(readTexts([]), { list: [], single: false });
  assert.deepEqual(readTemplates(undefined), ['a photo of a {}.']);
  assert.deepEqual(readTemplates('{}'), ['{}']);
  assert.deepEqual(readTemplates(['a {}.', 'the {}.']), ['a {}.', 'the {}.']);
  assert.equal(readTopK(undefined), 0);
  assert.equal(readTopK(3), 3);
  for (const [read, says] of [
    [() => readLabels('cat'), /labels is 'cat'/],
    [() => readLabels([]), /labels is empty/],
    [() => readLabels(['cat', 5]), /labels\[1\] is 5/],
    [() => readLabels(['cat', ' ']), /labels\[1\] is blank/],
    [() => readTexts(5), /texts are 5/],
    [() => readTexts(['a', null]), /texts\[1\] is null/],
    [() => readTemplates('a photo'), /'a photo' has no \{\}/],
    [() => readTemplates([]), /template is empty/],
    [() => readTopK(0), /topK is 0/],
    [() => readTopK(1.5), /topK is 1.5/],
    [() => readTopK('2'), /topK is '2'/],
  ]) {
    assert.throws(read, (error) => error instanceof TypeError && says.test(error.message), String(says));
  }
});

test('pictures keep whether there was one or an array', () => {
  const blob = new Blob(['x']);
  assert.deepEqual(readImages('a.jpg'), { list: ['a.jpg'], single: true });
  assert.deepEqual(readImages([blob, new URL('https://x/')]).single, false);
  assert.throws(() => readImages([blob, 7]), /images\[1\] is 7, not a picture/);
  assert.throws(() => readImages(undefined), /The picture is undefined, not a picture/);
  assert.throws(() => readImages(new Uint8Array(3)), /The picture is Uint8Array/);
});

test('data: URLs are read without fetch, as fetch reads them', async () => {
  for (const [url, type, text] of [
    ['data:text/plain;base64,aGk=', 'text/plain', 'hi'],
    ['data:image/png;base64,aGk%3D', 'image/png', 'hi'],
    ['data:image/svg+xml,%3Csvg/%3E', 'image/svg+xml', '<svg/>'],
    ['DATA:,a,b', '', 'a,b'],
    ['data:image/png;base64,aGk=#here', 'image/png', 'hi'],
    ['data:,%c3%a9é 100%,%zz#here', '', 'éé 100%,%zz'],
  ]) {
    const blob = readDataURL(url);
    assert.deepEqual([blob.type, await blob.text()], [type, text]);
  }
  assert.deepEqual(await readDataURL('data:image/gif,GIF89a%01%FF%2C').bytes(), new Uint8Array([...Buffer.from('GIF89a'), 1, 255, 44]));
  for (const url of ['data:image/png', 'data:image/png;base64,!!']) assert.throws(() => readDataURL(url), ImageDecodeError);
});
