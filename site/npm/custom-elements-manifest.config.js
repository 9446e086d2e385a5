// How custom-elements.json is made of the JSDoc in widget/.
export default {
  globs: ['widget.js', 'widget/*.js'],
  exclude: ['widget/styles.js', 'widget/dom.js', 'widget/lists.js'],
  packagejson: false,
};
