/** What a file's masks become: lines of JSON as they come, then a video and a contact sheet. */
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { extname } from 'node:path';
import { AvsacError } from '../../shared/errors.ts';
import type { FileMask } from '../../shared/results.ts';
import { writeContactSheet } from '../media/node-av-contact-sheet.ts';
import type { NodeAvFile } from '../media/node-av-file.ts';
import { writeOverlay } from '../media/node-av-overlay.ts';

/** Paths; what is undefined is not made. */
export interface OutputPaths {
  /** One {@link FileMask} a line. */
  readonly out?: string;
  readonly overlay?: string;
  readonly preview?: string;
}

/** Containers that take H.264 and whatever sound is copied. */
const OVERLAY_ENDINGS = ['.mp4', '.mov', '.mkv'];

export class FileOutputs {
  readonly #file: NodeAvFile;
  readonly #paths: OutputPaths;
  readonly #lines: FileHandle | undefined;
  readonly #masks: FileMask[] = [];

  /**
   * Every path is tried before there is work to lose.
   * @throws AvsacError `file-unwritable`
   */
  static async create(file: NodeAvFile, paths: OutputPaths): Promise<FileOutputs> {
    const { out, overlay, preview } = paths;
    if (overlay !== undefined && !OVERLAY_ENDINGS.includes(extname(overlay).toLowerCase())) {
      throw new AvsacError('file-unwritable', `${overlay} ends in none of ${OVERLAY_ENDINGS.join(', ')}`);
    }
    if (preview !== undefined && extname(preview).toLowerCase() !== '.png') {
      throw new AvsacError('file-unwritable', `${preview} does not end in .png`);
    }
    const source = await realpath(file.path);
    for (const path of [overlay, preview]) if (path !== undefined) await (await create(path, source)).close();
    return new FileOutputs(file, paths, out === undefined ? undefined : await create(out, source));
  }

  private constructor(file: NodeAvFile, paths: OutputPaths, lines: FileHandle | undefined) {
    this.#file = file;
    this.#paths = paths;
    this.#lines = lines;
  }

  async add(mask: FileMask): Promise<void> {
    const { out, overlay, preview } = this.#paths;
    const line = `${JSON.stringify(mask)}\n`;
    if (this.#lines !== undefined) await this.#lines.write(line);
    if (overlay !== undefined || preview !== undefined) this.#masks.push(mask);
    else if (out === undefined) process.stdout.write(line);
  }

  /** True when `draw` has something to do. */
  get drawn(): boolean {
    return this.#paths.overlay !== undefined || this.#paths.preview !== undefined;
  }

  /** @param progress told the time of each frame, ms. @throws AvsacError `file-unwritable` */
  async draw(progress: (presentationTimeMs: number) => void): Promise<void> {
    const { overlay, preview } = this.#paths;
    if (preview !== undefined) await writeContactSheet(this.#file, this.#masks, preview);
    if (overlay !== undefined) await writeOverlay(this.#file, this.#masks, overlay, progress);
  }

  async close(): Promise<void> {
    await this.#lines?.close();
  }
}

/** @param source is not to be written over. */
async function create(path: string, source: string): Promise<FileHandle> {
  if ((await realpath(path).catch(() => undefined)) === source) {
    throw new AvsacError('file-unwritable', `${path} is the file that is read`);
  }
  return open(path, 'w').catch((cause: Error) => {
    throw new AvsacError('file-unwritable', cause.message, { cause });
  });
}
