import { useEffect, useState } from 'react';

import { useClip } from './useClip.js';

const labels = ['cat', 'cup of coffee', 'rocket', 'person'];
const model = new URL('../../models/starter/', document.baseURI).href;

export function App() {
  const [file, setFile] = useState();
  const { clip, progress, error } = useClip({ model });
  const [answer, setAnswer] = useState({});

  useEffect(() => {
    if (!clip || !file) return undefined;
    const controller = new AbortController();
    const { signal } = controller;
    clip.classify(file, labels, { signal }).then(
      (result) => setAnswer({ result }),
      (failure) => signal.aborted || setAnswer({ failure }),
    );
    return () => controller.abort();
  }, [clip, file]);

  const { result = [], failure = error } = answer;
  return (
    <>
      <p>
        <label>
          A picture <input id="file" type="file" accept="image/*" onChange={({ target }) => setFile(target.files[0])} />
        </label>
      </p>
      <p id="status" role="status">
        {failure ? failure.message : clip ? 'Ready.' : `Loading ${Math.round((100 * (progress?.loaded ?? 0)) / (progress?.total || 1))}%`}
      </p>
      <ol id="result">
        {result.map(({ label, score }) => (
          <li key={label}>
            {label}: {(score * 100).toFixed(1)}%
          </li>
        ))}
      </ol>
    </>
  );
}
