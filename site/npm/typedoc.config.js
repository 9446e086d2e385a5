// How the reference in the package's docs/ is made of the JSDoc.
import { OptionDefaults } from 'typedoc';

/** Tags for custom-elements.json, which has what they say. */
const elementTags = /** @type {const} */ (['@tagname', '@attr', '@fires', '@csspart', '@cssproperty']);

/** @type {Partial<import('typedoc').TypeDocOptions> & Record<string, unknown>} */
export default {
  plugin: ['typedoc-plugin-markdown'],
  name: 'clipside',
  entryPoints: ['../clipside.js', '../widget.js', '../pipeline.js'],
  tsconfig: '../tsconfig.types.json',
  blockTags: [...OptionDefaults.blockTags, ...elementTags],
  excludeTags: [...OptionDefaults.excludeTags, ...elementTags],
  readme: 'none',
  githubPages: false,
  disableSources: true,
  excludePrivate: true,
  excludeProtected: true,
  excludeInternal: true,
  excludeExternals: true,
  router: 'module',
  entryFileName: 'README',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  parametersFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  useCodeBlocks: true,
  groupOrder: ['Functions', 'Classes', 'Variables', '*'],
  intentionallyNotExported: ['english', 'ImageInput'],
};
