/** A picture of a file at one glance: frames with their masks burnt in, in rows, evenly over its length. */
import { writeFile } from 'node:fs/promises';
import { Encoder, FilterAPI } from 'node-av/api';
import * as constants from 'node-av/constants';
import { AvsacError, reasonOf } from '../../shared/errors.ts';
import type { FileMask } from '../../shared/results.ts';
import type { NodeAvFile } from './node-av-file.ts';
import { paintedFrames } from './node-av-painted-frames.ts';

const [COLUMNS, ROWS] = [4, 3];
/** Of one frame on the sheet, pixels. */
const TILE_WIDTH = 320;

/**
 * @param path of a PNG.
 * @throws AvsacError `file-unwritable`
 */
export async function writeContactSheet(file: NodeAvFile, masks: readonly FileMask[], path: string): Promise<void> {
  const tiles = COLUMNS * ROWS;
  const wanted = Array.from({ length: Math.min(tiles, masks.length) }, (_, i) => {
    const { length } = masks;
    return masks[Math.floor(((i + 0.5) * length) / Math.min(tiles, length))]!.presentationTimeMs;
  });
  const rows = Math.ceil(wanted.length / COLUMNS);
  const sheet = FilterAPI.create(
    `scale=${TILE_WIDTH}:-2,tile=${Math.min(COLUMNS, wanted.length)}x${rows}:padding=4:margin=4,format=rgb24`,
  );
  try {
    for (const { frame, presentationTimeMs } of paintedFrames(file, masks)) {
      if (wanted.some((time) => Math.abs(time - presentationTimeMs) < 0.001)) sheet.processSync(frame);
    }
    for (const picture of sheet.flushFramesSync()) {
      const png = Encoder.encodeOneSync(constants.FF_ENCODER_PNG, picture);
      picture.free();
      await writeFile(path, png);
    }
  } catch (cause) {
    if (cause instanceof AvsacError) throw cause;
    throw new AvsacError('file-unwritable', `${path}: ${reasonOf(cause)}`, { cause });
  } finally {
    sheet.close();
  }
}
