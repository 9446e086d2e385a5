// The elements' look: the same ink, paper and highlighter as the page's. Constructed sheets, because a strict
// Content-Security-Policy refuses <style> elements and style attributes.
//
// Text keeps a contrast of at least 4.5 on its ground, frames and the focus ring at least 3, in light and dark.

/**
 * @param {string} css
 * @returns {CSSStyleSheet} none on a server, where no element is made either
 */
function sheet(css) {
  const made = globalThis.CSSStyleSheet && new CSSStyleSheet();
  made?.replaceSync(css);
  return made;
}

export const shared = sheet(`
:host {
  color-scheme: light dark;
  --_surface: var(--clip-surface, light-dark(#ffffff, #1b1e21));
  --_ink: var(--clip-ink, light-dark(#16181a, #f1f1ec));
  --_ink-soft: var(--clip-ink-soft, light-dark(#4a5056, #bcc1c5));
  --_line: var(--clip-line, light-dark(#dfdfd8, #2d3135));
  --_line-strong: var(--clip-line-strong, light-dark(#878d92, #747b81));
  --_track: var(--clip-track, light-dark(#f4f4ef, #212529));
  --_fill: var(--clip-fill, light-dark(#e2e2da, #32373c));
  --_accent: var(--clip-accent, #ffdf3d);
  --_accent-fill: var(--clip-accent-fill, light-dark(#ffe566, #655a1c));
  --_error: var(--clip-error, light-dark(#a8201a, #ff9c8f));
  --_radius: var(--clip-radius, 12px);
  --_gap: var(--clip-gap, 16px);
  display: block;
  font: 400 0.9375rem/1.5 var(--clip-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif);
  color: var(--_ink);
  text-align: start;
}
:host([hidden]), [hidden] { display: none !important; }
*, ::before, ::after { box-sizing: border-box; }
p, ol { margin: 0; padding: 0; }
.label, .name { inline-size: fit-content; max-inline-size: 100%; unicode-bidi: plaintext; }
ol { list-style: none; }
button, input { color: inherit; font: inherit; letter-spacing: inherit; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--_ink); outline-offset: 2px; }
.base {
  container-type: inline-size;
  overflow: clip;
  overflow-clip-margin: 4px;
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  background: var(--_surface);
}
.live {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.button {
  display: inline-flex; align-items: center; justify-content: center;
  min-block-size: 2.5rem; padding: 0.25rem 1rem;
  border: 1px solid var(--_line-strong); border-radius: calc(var(--_radius) * 0.6);
  background: var(--_surface); font-weight: 550; cursor: pointer;
  transition: background-color 120ms, border-color 120ms;
}
.button:hover { border-color: var(--_ink); }
.solid { border-color: var(--_ink); background: var(--_ink); color: var(--_surface); }
.solid:hover { background: color-mix(in srgb, var(--_ink) 86%, var(--_surface)); }
.link {
  padding: 0.25rem 0.125rem; border: 0; background: none; color: var(--_ink-soft); font-size: 0.8125rem; font-weight: 400;
  text-decoration: underline; text-decoration-color: var(--_line-strong); text-underline-offset: 0.2em; cursor: pointer;
}
.link:hover { color: var(--_ink); text-decoration-color: currentcolor; }
.link:disabled { opacity: 0.45; cursor: default; }
.status { padding: 0 var(--_gap) var(--_gap); }
.progress {
  display: block; inline-size: 100%; block-size: 3px; border: 0; border-radius: 2px; overflow: hidden;
  background: var(--_fill); appearance: none;
}
.progress::-webkit-progress-bar { background: var(--_fill); }
.progress::-webkit-progress-value { background: var(--_ink); transition: inline-size 200ms linear; }
.progress::-moz-progress-bar { background: var(--_ink); }
.message { margin-block-start: 0.5rem; color: var(--_ink-soft); font-size: 0.8125rem; font-variant-numeric: tabular-nums; text-wrap: pretty; overflow-wrap: anywhere; }
.status[data-kind="error"] .message, .error { color: var(--_error); overflow-wrap: anywhere; }
.detail { color: var(--_ink-soft); font-size: 0.8125rem; overflow-wrap: anywhere; }
.retry { margin-block-start: 0.75rem; }
@media (prefers-reduced-motion: reduce) {
  *, ::before, ::after { animation: none !important; transition: none !important; }
}
@media (forced-colors: active) {
  .bar-fill { forced-color-adjust: none; background: Highlight; opacity: 0.35; }
  .bar, .tile { border: 1px solid; }
}
`);

export const classifier = sheet(`
.drop {
  --_corner: var(--_line-strong);
  --_arm: 20px;
  position: relative; display: flex; flex-direction: column; align-items: start; justify-content: flex-end;
  min-block-size: 11rem; padding: 1.75rem; transition: background-color 160ms;
}
.drop::before {
  content: ""; position: absolute; inset: 0.75rem; pointer-events: none; transition: inset 160ms ease-out;
  background:
    linear-gradient(var(--_corner) 0 0) 0 0 / var(--_arm) 2px, linear-gradient(var(--_corner) 0 0) 0 0 / 2px var(--_arm),
    linear-gradient(var(--_corner) 0 0) 100% 0 / var(--_arm) 2px, linear-gradient(var(--_corner) 0 0) 100% 0 / 2px var(--_arm),
    linear-gradient(var(--_corner) 0 0) 0 100% / var(--_arm) 2px, linear-gradient(var(--_corner) 0 0) 0 100% / 2px var(--_arm),
    linear-gradient(var(--_corner) 0 0) 100% 100% / var(--_arm) 2px, linear-gradient(var(--_corner) 0 0) 100% 100% / 2px var(--_arm);
  background-repeat: no-repeat;
}
.drop:hover, .over { --_corner: var(--_ink); }
.over { background: color-mix(in srgb, var(--_accent) 22%, var(--_surface)); }
.over::before { inset: 1.125rem; }
.drop:focus-within:has(.input:focus-visible) { outline: 2px solid var(--_ink); outline-offset: -4px; border-radius: var(--_radius); }
.drop:has(:disabled) { opacity: 0.45; pointer-events: none; }
.compact { --_arm: 10px; min-block-size: 0; flex-flow: row wrap; align-items: center; justify-content: start; gap: 0.5rem 1rem; padding: 1.25rem 1.75rem; }
.compact .hint { display: none; }
.compact .title { flex: 1 1 auto; font-size: 1rem; }
.compact .choose { margin: 0; }
.input { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; opacity: 0; cursor: pointer; }
.input::file-selector-button { cursor: pointer; }
.title { font-size: 1.375rem; font-weight: 650; letter-spacing: -0.02em; line-height: 1.2; }
.hint { margin-block-start: 0.375rem; color: var(--_ink-soft); }
.choose { margin-block-start: 1rem; pointer-events: none; }
.drop:hover .choose { background: color-mix(in srgb, var(--_ink) 86%, var(--_surface)); }
.results { padding: 0 var(--_gap); }
.result {
  display: grid; grid-template-columns: minmax(0, 1fr); align-items: start; gap: 0.5rem var(--_gap);
  padding-block: var(--_gap); border-block-start: 1px solid var(--_line);
}
.thumbnail {
  display: block; max-inline-size: 100%; block-size: auto; max-block-size: 12rem; border-radius: calc(var(--_radius) * 0.6);
}
.body { min-inline-size: 0; }
.thumbnail[hidden] + .body { grid-column: 1 / -1; }
.name { margin-block-end: 0.5rem; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bars { display: grid; gap: 4px; }
.bar {
  position: relative; display: flex; align-items: center; justify-content: space-between; gap: 0.75rem;
  min-block-size: 2rem; padding: 0.25rem 0.625rem; overflow: hidden; border-radius: 4px; background: var(--_track);
}
.bar-fill { position: absolute; inset-block: 0; inset-inline-start: 0; inline-size: 0; border-radius: 4px; background: var(--_fill); transition: inline-size 420ms cubic-bezier(0.2, 0.7, 0.2, 1); }
.best .bar-fill { background: var(--_accent-fill); }
.label, .score { position: relative; }
.label { min-inline-size: 0; overflow-wrap: anywhere; }
.score { flex: none; color: var(--_ink-soft); font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
.best .label, .best .score { color: var(--_ink); font-weight: 600; }
.note { color: var(--_ink-soft); }
.foot { padding: 0 var(--_gap) 0.75rem; text-align: end; }
@container (min-width: 30rem) {
  .result { grid-template-columns: var(--clip-thumbnail-size, 9rem) minmax(0, 1fr); }
}
`);

export const search = sheet(`
.form { display: flex; flex-wrap: wrap; gap: 0.5rem; padding: var(--_gap); }
.field { flex: 1 1 14rem; min-inline-size: 0; }
.caption { display: block; margin-block-end: 0.375rem; font-weight: 600; }
.input {
  display: block; inline-size: 100%; min-block-size: 2.75rem; padding: 0.25rem 0.875rem;
  border: 1px solid var(--_line-strong); border-radius: calc(var(--_radius) * 0.6); background: var(--_surface);
}
.actions { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: end; }
.actions .button { min-block-size: 2.75rem; }
.example { position: relative; }
.example:focus-within:has(:focus-visible) { outline: 2px solid var(--_ink); outline-offset: 2px; }
.example-input { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; opacity: 0; cursor: pointer; }
.heading { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0 1rem; padding: 0 var(--_gap) 0.5rem; font-weight: 600; }
.heading span { min-inline-size: 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(var(--clip-thumbnail-size, 9rem), 100%), 1fr)); gap: 0.75rem; padding: 0 var(--_gap) var(--_gap); }
.tile { position: relative; display: block; inline-size: 100%; padding: 0; border: 0; border-radius: calc(var(--_radius) * 0.6); background: var(--_track); overflow: hidden; cursor: pointer; text-align: start; }
.thumbnail { display: block; inline-size: 100%; block-size: auto; aspect-ratio: 4 / 3; object-fit: cover; background: var(--_fill); }
.best .tile-foot { background: var(--_accent-fill); color: var(--_ink); font-weight: 600; }
.tile-foot { position: relative; display: flex; justify-content: space-between; gap: 0.5rem; padding: 0.375rem 0.625rem 0.5rem; font-size: 0.8125rem; }
.name { position: relative; min-inline-size: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.score { position: relative; font-variant-numeric: tabular-nums; }
.tile:hover .name { text-decoration: underline; text-underline-offset: 0.2em; }
`);
