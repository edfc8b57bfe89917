/** Media loops are made once, then read from files. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';
import type { MediaLoop, Progress } from './media-loop.ts';
import type { Profile } from './profile.ts';

/** Changes with whatever makes older files wrong. */
const VERSION = 2;

/**
 * Reads the loop of a profile, or makes it.
 * @param folder of the cache; made when missing.
 */
export async function openMediaLoop(profile: Profile, folder: string, progress: Progress): Promise<MediaLoop> {
  const key = createHash('sha256').update(JSON.stringify({ VERSION, profile })).digest('hex').slice(0, 12);
  const path = `${folder}/${profile.name}-${key}.bin`;
  const cached = await readFile(path).catch(() => undefined);
  if (cached !== undefined) return share(deserialize(cached) as MediaLoop);
  const { encodeLoop } = await import('./loop-encoder.ts');
  const loop = encodeLoop(profile, progress);
  await mkdir(folder, { recursive: true });
  // Whole or not at all, also when two make it at the same time.
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, serialize(loop));
  await rename(unfinished, path);
  return share(loop);
}

/** The same with all packets in one shared memory: publishers' threads do not copy them. */
function share(loop: MediaLoop): MediaLoop {
  const packets = [...loop.video.flat(), ...loop.audio];
  const memory = new SharedArrayBuffer(packets.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  const moved = (packet: Uint8Array): Uint8Array => {
    const view = new Uint8Array(memory, offset, packet.length);
    view.set(packet);
    offset += packet.length;
    return view;
  };
  return { ...loop, video: loop.video.map((frame) => frame.map(moved)), audio: loop.audio.map(moved) };
}
