// Builds the examples with a framework. They take clipside from the site that they are part of, so that its engine and
// its model are there once; your own project leaves this plugin out and has the package bundled.
import vue from '@vitejs/plugin-vue';

const fromSite = {
  name: 'clipside-from-site',
  resolveId: (/** @type {string} */ id) => (id === 'clipside' ? { id: '../../../clipside.js', external: true } : undefined),
};

export default {
  base: './',
  publicDir: false,
  plugins: [fromSite, vue()],
  oxc: { jsx: { runtime: 'automatic' } },
};
