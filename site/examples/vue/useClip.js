import { createClip } from 'clipside';
import { onScopeDispose, shallowRef } from 'vue';

/**
 * A Clip for as long as the component is mounted. Components that ask for the same model share it.
 * @param {import('clipside').ClipOptions} options
 */
export function useClip(options) {
  const clip = shallowRef();
  const progress = shallowRef();
  const error = shallowRef();
  const controller = new AbortController();
  const { signal } = controller;
  const loading = createClip({ ...options, signal, onProgress: (event) => (progress.value = event) });
  loading.then(
    (made) => signal.aborted || (clip.value = made),
    (reason) => signal.aborted || (error.value = reason),
  );
  onScopeDispose(() => {
    controller.abort();
    loading.then(
      (made) => made.dispose(),
      () => {},
    );
  });
  return { clip, progress, error };
}
