import assert from 'node:assert/strict';
import { test } from 'node:test';

import { profilesInJPEG, profilesInPNG, profilesInWebP } from '../clipside/profiles.js';

/** @param {string} text of characters up to ff */
const bytes = (text) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/**
 * @param {(head: Uint8Array) => { from: number, to: number, put: string }[]} find
 * @param {string} file
 */
function without(find, file) {
  let left = '';
  let at = 0;
  for (const { from, to, put } of find(bytes(file))) {
    left += file.slice(at, from) + put;
    at = to;
  }
  return left + file.slice(at);
}

/** @param {string} marker @param {string} data */
const segment = (marker, data) => `\xff${marker}${String.fromCharCode((data.length + 2) >> 8, (data.length + 2) & 255)}${data}`;
const profile = 'ICC_PROFILE\0\x01\x01' + 'p'.repeat(400);

/** @param {string} type @param {string} data */
const chunk = (type, data) => `\0\0${String.fromCharCode(data.length >> 8, data.length & 255)}${type}${data}.crc`;

/** @param {string} name @param {string} data of an even length */
const riff = (name, data) => `${name}${String.fromCharCode(data.length & 255, data.length >> 8)}\0\0${data}`;

for (const [what, find, file, expected] of /** @type {const} */ ([
  [
    'a JPEG loses its profile, and nothing else',
    profilesInJPEG,
    `\xff\xd8${segment('\xe1', 'Exif\0\0')}${segment('\xe2', profile)}${segment('\xe2', profile)}${segment('\xe2', 'MPF\0')}${segment('\xda', '..')}${segment('\xe2', profile)}`,
    `\xff\xd8${segment('\xe1', 'Exif\0\0')}${segment('\xe2', 'MPF\0')}${segment('\xda', '..')}${segment('\xe2', profile)}`,
  ],
  ['a JPEG without a profile stays as it is', profilesInJPEG, `\xff\xd8${segment('\xe0', 'JFIF\0')}\xff\xda`, undefined],
  ['a JPEG that ends in a segment stays as it is', profilesInJPEG, '\xff\xd8\xff\xe2\0', undefined],
  [
    'a PNG loses what says its colours',
    profilesInPNG,
    `\x89PNG\r\n\x1a\n${chunk('IHDR', '.'.repeat(13))}${chunk('gAMA', '1234')}${chunk('iCCP', profile)}${chunk('pHYs', '.')}${chunk('IDAT', 'gAMA')}${chunk('IEND', '')}`,
    `\x89PNG\r\n\x1a\n${chunk('IHDR', '.'.repeat(13))}${chunk('pHYs', '.')}${chunk('IDAT', 'gAMA')}${chunk('IEND', '')}`,
  ],
  ['a PNG without any stays as it is', profilesInPNG, `\x89PNG\r\n\x1a\n${chunk('IHDR', '.'.repeat(13))}${chunk('IDAT', '')}`, undefined],
  [
    'a WebP keeps its length',
    profilesInWebP,
    `RIFF....WEBP${riff('VP8X', '\x30' + '.'.repeat(9))}${riff('ICCP', profile)}${riff('VP8L', '..')}`,
    `RIFF....WEBP${riff('VP8X', '\x10' + '.'.repeat(9))}${riff('none', profile)}${riff('VP8L', '..')}`,
  ],
  ['a simple WebP stays as it is', profilesInWebP, `RIFF....WEBP${riff('VP8L', '..')}`, undefined],
  [
    'a WebP with other extensions stays as it is',
    profilesInWebP,
    `RIFF....WEBP${riff('VP8X', '\x10' + '.'.repeat(9))}${riff('VP8L', '..')}`,
    undefined,
  ],
])) {
  test(what, () => assert.equal(without(find, file), expected ?? file));
}
