import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { advice, isCutShort, jpegHasEnd, pngHasEnd, sniff } from '../clipside/formats.js';

const photo = (/** @type {string} */ name) => new Uint8Array(readFileSync(new URL(`../../testdata/photos/${name}`, import.meta.url)));
const latin1 = (/** @type {string} */ text) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const ftyp = (/** @type {string[]} */ ...brands) =>
  latin1(`\0\0\0${String.fromCharCode(12 + 4 * brands.length)}ftyp${brands[0]}\0\0\0\0${brands.slice(1).join('')}`);

test('formats are told by their first bytes', () => {
  for (const [bytes, want] of [
    [photo('rocket.jpg'), 'jpeg'],
    [photo('truncated.jpg'), 'jpeg'],
    [photo('coffee.png'), 'png'],
    [latin1('GIF89a\x01\0'), 'gif'],
    [latin1('RIFF\x10\0\0\0WEBPVP8 '), 'webp'],
    [latin1('RIFF\x10\0\0\0WAVEfmt '), undefined],
    [latin1('BM\0\0\0\0'), 'bmp'],
    [latin1('\0\0\x01\0\x01\0'), 'ico'],
    [ftyp('heic', 'mif1', 'heic'), 'heic'],
    [ftyp('mif1', 'mif1', 'heic'), 'heic'],
    [ftyp('avif', 'mif1', 'avif'), 'avif'],
    [ftyp('mif1', 'avif', 'miaf'), 'avif'],
    [ftyp('isom', 'iso2', 'mp41'), 'video'],
    [latin1('\xff\x0a\0\0'), 'jxl'],
    [latin1('II*\0\x08\0\0\0'), 'tiff'],
    [latin1('MM\0*\0\0\0\x08'), 'tiff'],
    [latin1('8BPS\0\x01'), 'psd'],
    [latin1('%PDF-1.7'), 'pdf'],
    [latin1('<svg xmlns="http://www.w3.org/2000/svg">'), 'svg'],
    [latin1('\xef\xbb\xbf<?xml version="1.0"?>\n<!-- made by hand -->\n<svg>'), 'svg'],
    [latin1('<!DOCTYPE html><html>'), 'html'],
    [latin1('hello'), undefined],
    [new Uint8Array(), undefined],
  ]) {
    assert.equal(sniff(bytes), want, JSON.stringify(String.fromCharCode(...bytes.subarray(0, 40))));
  }
});

test('every format has its own advice', () => {
  const formats = ['jpeg', 'png', 'heic', 'avif', 'jxl', 'tiff', 'psd', 'svg', 'pdf', 'video', 'html', undefined];
  assert.equal(new Set(formats.map(advice)).size, formats.length);
});

test('a photo is whole, also with bytes after its end, and cut short anywhere before it', async () => {
  for (const [name, hasEnd] of [
    ['rocket.jpg', jpegHasEnd],
    ['coffee.png', pngHasEnd],
  ]) {
    const bytes = photo(name);
    const whole = (/** @type {Uint8Array} */ part) => isCutShort(new Blob([part]), sniff(part)).then((cut) => !cut);
    assert.equal(await whole(bytes), true, name);
    assert.equal(await isCutShort(new Blob([bytes, 'and more than twelve bytes']), sniff(bytes)), false, `${name} and more`);
    for (const length of [20, 21, 100, 1000, bytes.length >> 1, bytes.length - 2000, bytes.length - 13, bytes.length - 5]) {
      const part = bytes.subarray(0, length);
      assert.equal(hasEnd(part), false, `${name} up to ${length}`);
      assert.equal(await whole(part), false, `${name} up to ${length}`);
    }
  }
  assert.equal(await isCutShort(new Blob([photo('truncated.jpg')]), 'jpeg'), true);
});

test('the end of a thumbnail within a segment is not the end of the JPEG', () => {
  const thumbnail = [0xff, 0xd8, 0xff, 0xd9];
  const app1 = [0xff, 0xe1, 0, 2 + thumbnail.length, ...thumbnail];
  const scan = [0xff, 0xda, 0, 2, 1, 0xff, 0x00, 2, 0xff, 0xd0, 3];
  assert.equal(jpegHasEnd(Uint8Array.of(0xff, 0xd8, ...app1, ...scan)), false);
  assert.equal(jpegHasEnd(Uint8Array.of(0xff, 0xd8, ...app1, ...scan, 0xff, 0xff, 0xd9)), true);
});

test('a WebP is cut short when its RIFF length says so', async () => {
  const webp = latin1('RIFF\x0c\0\0\0WEBPVP8 ....');
  assert.equal(await isCutShort(new Blob([webp]), 'webp'), false);
  assert.equal(await isCutShort(new Blob([webp.subarray(0, 19)]), 'webp'), true);
});

test('no bytes whatever make the walkers run off or loop', () => {
  // A linear congruential generator, so that every run sees the same.
  let seed = 1;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16;
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from({ length: random() % 64 }, () => (random() % 3 ? random() : 0xff));
    assert.equal(typeof jpegHasEnd(bytes), 'boolean');
    assert.equal(typeof pngHasEnd(bytes), 'boolean');
    sniff(bytes);
  }
});
