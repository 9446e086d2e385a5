import vue from '@vitejs/plugin-vue';

export default {
  base: './',
  plugins: [vue()],
  oxc: { jsx: { runtime: 'automatic' } },
  optimizeDeps: { exclude: ['clipside'] },
  build: { rolldownOptions: { input: ['index.html', 'examples/react/index.html', 'examples/vue/index.html'] } },
};
