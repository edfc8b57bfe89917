/** The models that come with this package: each has a folder of its name in models/dist. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SHIPPED = fileURLToPath(new URL('../../models/dist', import.meta.url));

/** Folder of the model that serves when no other is asked for. */
export const DEFAULT_MODEL = join(SHIPPED, 'live');

/** @returns folder of the shipped model of this name, else the path as given. */
export function modelPath(nameOrPath: string, shipped = SHIPPED): string {
  const folder = join(shipped, nameOrPath);
  const isName = /^[a-z0-9-]+$/.test(nameOrPath);
  return isName && existsSync(join(folder, 'manifest.json')) ? folder : nameOrPath;
}
