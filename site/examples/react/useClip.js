import { createClip } from 'clipside';
import { useEffect, useState } from 'react';

/**
 * A Clip for as long as the component is mounted. Components that ask for the same model share it.
 * @param {import('clipside').ClipOptions} options only model and device are looked at
 * @returns {{ clip?: import('clipside').Clip, progress?: import('clipside').ClipProgress, error?: unknown }}
 */
export function useClip({ model, device = 'auto' }) {
  const [state, setState] = useState({});
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const loading = createClip({ model, device, signal, onProgress: (progress) => setState({ progress }) });
    loading.then(
      (clip) => signal.aborted || setState({ clip }),
      (error) => signal.aborted || setState({ error }),
    );
    return () => {
      controller.abort();
      loading.then(
        (clip) => clip.dispose(),
        () => {},
      );
      setState({});
    };
  }, [model, device]);
  return state;
}
