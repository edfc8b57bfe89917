import type { Kind, KindName } from './kind.ts';
import { bell } from './kinds/bell.ts';
import { bird } from './kinds/bird.ts';
import { car } from './kinds/car.ts';
import { dog } from './kinds/dog.ts';
import { drum } from './kinds/drum.ts';
import { face } from './kinds/face.ts';
import { kettle } from './kinds/kettle.ts';
import { siren } from './kinds/siren.ts';
import { telephone } from './kinds/telephone.ts';
import { violin } from './kinds/violin.ts';

/** Every kind of thing a scene is cast from, by name. */
export const KINDS: Readonly<Record<KindName, Kind>> = {
  bell,
  bird,
  car,
  dog,
  drum,
  face,
  kettle,
  siren,
  telephone,
  violin,
};

/** The names of all kinds, in alphabetical order. */
export const KIND_NAMES = Object.keys(KINDS) as readonly KindName[];
