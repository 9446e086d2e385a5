// How custom-elements.json is made of the JSDoc in widget/.

/** Names of the properties, all of which are accessors. */
const accessors = new Set();

/** The analyzer looks for a property's type in a tag that TypeScript does not know for accessors. */
const accessorTypes = {
  name: 'accessor-types',
  analyzePhase(/** @type {any} */ { ts, node, moduleDoc }) {
    if (!ts.isGetAccessor(node)) return;
    const text = ts.getJSDocReturnType(node)?.getText();
    const owner = moduleDoc.declarations?.find((/** @type {any} */ { name }) => name === node.parent.name?.getText());
    const member = owner?.members?.find((/** @type {any} */ { name }) => name === node.name.getText());
    if (member && text) member.type = { text };
    accessors.add(node.name.getText());
  },
};

/** What only the browser calls. */
const hooks = new Set(['formAssociated', 'observedAttributes', 'formResetCallback', 'formDisabledCallback']);

/** Leaves out what is nobody's interface: the private, the protected, what is assigned to other objects, events without a name. */
const publicOnly = {
  name: 'public-only',
  packageLinkPhase(/** @type {any} */ { customElementsManifest }) {
    for (const module of customElementsManifest.modules) {
      const exported = new Set((module.exports ?? []).map((/** @type {any} */ { declaration }) => declaration.name));
      module.declarations = (module.declarations ?? []).filter((/** @type {any} */ { name }) => exported.has(name));
      for (const declaration of module.declarations) {
        declaration.members = declaration.members?.filter(
          (/** @type {any} */ { name, kind, privacy }) => !privacy && !hooks.has(name) && (kind === 'method' || accessors.has(name)),
        );
        declaration.events = declaration.events?.filter((/** @type {any} */ { name }) => name.startsWith('clip-'));
      }
    }
  },
};

export default {
  globs: ['widget.js', 'widget/*.js'],
  exclude: ['widget/styles.js', 'widget/dom.js', 'widget/lists.js'],
  packagejson: false,
  plugins: [accessorTypes, publicOnly],
};
