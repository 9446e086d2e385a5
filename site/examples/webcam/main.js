import { createClip } from '../../clipside.js';

const $ = (id) => document.getElementById(id);
let stop = () => {};

/** Frames of a video for as long as it plays. Each is taken when it is asked for, so none grows old in a queue. */
async function* frames(video, signal) {
  while (!signal.aborted) {
    await new Promise((resolve) => {
      video.requestVideoFrameCallback?.(resolve) ?? setTimeout(resolve, 100);
      signal.addEventListener('abort', resolve, { once: true });
    });
    if (!signal.aborted) yield await createImageBitmap(video);
  }
}

$('start').addEventListener('click', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  stop = () => controller.abort();
  $('start').disabled = true;
  $('stop').disabled = false;
  let clip;
  let camera;
  try {
    camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    $('video').srcObject = camera;
    await $('video').play();
    $('status').textContent = 'Fetching the model…';
    clip = await createClip({ signal });
    let seen = 0;
    const labels = $('labels')
      .value.split(',')
      .map((label) => label.trim())
      .filter(Boolean);
    for await (const { image, result } of clip.classifyEach(frames($('video'), signal), labels, { signal })) {
      image.close();
      $('result').replaceChildren(
        ...(result ?? []).map(({ label, score }) => {
          const item = document.createElement('li');
          item.textContent = `${label}: ${(score * 100).toFixed(0)}%`;
          return item;
        }),
      );
      $('status').textContent = `Frame ${++seen}`;
    }
    $('status').textContent = 'Stopped.';
  } catch (error) {
    $('status').textContent = signal.aborted ? 'Stopped.' : error.message;
  } finally {
    for (const track of camera?.getTracks() ?? []) track.stop();
    clip?.dispose();
    $('start').disabled = false;
    $('stop').disabled = true;
  }
});

$('stop').addEventListener('click', () => stop());
