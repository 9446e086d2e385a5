/**
 * Formats that some browsers don't know by name, and give no type. What is
 * wrong with them is told at each, as when it is dropped by itself.
 */
const pictureName = /\.(heic|heif|avif|jxl|webp|tiff?)$/i;

/** More pictures than this are not taken from folders at once. */
const mostPictures = 500;

/**
 * The pictures in dropped files and folders, however deep, in the order of
 * their paths.
 *
 * @param {readonly FileSystemEntry[]} entries
 * @returns {Promise<{pictures: File[], beyond: number, leftOut: number}>} beyond counts the pictures that are too many, leftOut other files and what could not be read
 * @throws if nothing could be read
 */
export async function readFolders(entries) {
  /** @type {File[]} */
  const pictures = [];
  let beyond = 0;
  let leftOut = 0;
  /** Why a folder or file could not be read. @type {unknown[]} */
  const errors = [];

  /** @param {FileSystemEntry} entry */
  async function walk(entry) {
    try {
      await take(entry);
    } catch (error) {
      errors.push(error);
      leftOut++;
    }
  }

  /** @param {FileSystemEntry} entry */
  async function take(entry) {
    if (entry.isDirectory) {
      const all = await readAll(/** @type {FileSystemDirectoryEntry} */ (entry).createReader());
      // What systems put into folders for themselves, such as folders of thumbnails, is not the person's, and not worth a word.
      const children = all.filter(({ name }) => !name.startsWith('.') && name !== 'Thumbs.db');
      for (const child of children.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }))) await walk(child);
      return;
    }
    const file = await new Promise((/** @type {(file: File) => void} */ resolve, reject) =>
      /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject),
    );
    if (!file.type.startsWith('image/') && !pictureName.test(file.name)) leftOut++;
    else if (pictures.length === mostPictures) beyond++;
    else pictures.push(file);
  }

  for (const entry of entries) await walk(entry);
  if (errors.length > 0 && pictures.length === 0) throw errors[0];
  return { pictures, beyond, leftOut };
}

/** A reader gives its entries in parts, the last of them empty. @param {FileSystemDirectoryReader} reader */
async function readAll(reader) {
  /** @type {FileSystemEntry[]} */
  const all = [];
  for (;;) {
    const some = await new Promise((/** @type {(entries: FileSystemEntry[]) => void} */ resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}
