import { Command, InvalidArgumentError, Option } from 'commander';
import type { Split } from '../../shared/demo-scene/kind.ts';
import { KIND_NAMES } from '../../shared/demo-scene/kinds.ts';
import { writeContactSheet } from './contact-sheet.ts';
import { AUDIOS_PER_IMAGE, SAMPLE_RATE_HZ, SAMPLES } from './counterfactual.ts';
import { DatasetFiles } from './dataset-files.ts';
import { AGES_MS, PictureRenderer, type ScenePicture } from './scene-picture.ts';

interface Options {
  readonly out?: string;
  readonly sheet?: string;
  readonly seed: number;
  readonly count: number;
  readonly first: number;
  readonly size: number;
  readonly split: Split;
}

const integer =
  (low: number, high: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < low || value > high)
      throw new InvalidArgumentError(`give a whole number from ${low} to ${high}`);
    return value;
  };

function progress(done: number, count: number, startedMs: number, doneBefore: number): void {
  const elapsedS = (Date.now() - startedMs) / 1000;
  const leftS = ((count - done) * elapsedS) / Math.max(1, done - doneBefore);
  const width = 30;
  const filled = Math.round((width * done) / count);
  process.stderr.write(
    `\r${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${done}/${count} pictures, ${Math.ceil(leftS)} s left   `,
  );
}

function build(options: Options): void {
  const { out, sheet, seed, count, first, size, split } = options;
  if (out === undefined && sheet === undefined)
    throw new Error('nothing to write: give --out DIR for a data set or --sheet FILE for a contact sheet');
  if (size % 2 !== 0) throw new Error(`--size ${size} is odd, but masks are half as large: give an even size`);
  const renderer = new PictureRenderer(seed, split, size);
  if (sheet !== undefined) {
    const pictures: ScenePicture[] = [];
    for (let i = 0; i < Math.min(count, 24); i += 1) pictures.push(renderer.render(first + i));
    writeContactSheet(sheet, pictures, size);
  }
  if (out === undefined) return;
  const files = new DatasetFiles(out, {
    count,
    first,
    size,
    maskSize: size / 2,
    audiosPerImage: AUDIOS_PER_IMAGE,
    earlierAgesMs: AGES_MS[split],
    samples: SAMPLES,
    sampleRateHz: SAMPLE_RATE_HZ,
    split,
    seed,
    kinds: KIND_NAMES,
  });
  const startedMs = Date.now();
  const doneBefore = files.done;
  while (files.done < count) {
    files.append(renderer.render(first + files.done));
    if (files.done % 25 === 0 || files.done === count) progress(files.done, count, startedMs, doneBefore);
  }
  files.close();
  process.stderr.write('\n');
}

const program = new Command('render-demo-scenes')
  .description(
    'Renders pictures of the demo scene, each with three sounds and the masks of what sounds, to train and test a model on.',
  )
  .option('--out <dir>', 'directory of the data set; an interrupted run goes on where it stopped')
  .option('--sheet <file>', 'write a PNG contact sheet of the first pictures, at most 24')
  .option('--seed <n>', 'seed of the data set', integer(0, 0xffffffff), 1)
  .option('--count <n>', 'pictures', integer(1, 10_000_000), 100)
  .option('--first <n>', 'index of the first picture: shards of one seed join up', integer(0, 0x7fffffff), 0)
  .option('--size <px>', 'side of the pictures; masks are half as large', integer(16, 2048), 384)
  .addOption(
    new Option('--split <split>', 'designs and voices to cast').choices(['train', 'held-out']).default('train'),
  )
  .action((options: Options) => {
    try {
      build(options);
    } catch (error) {
      program.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    }
  });

program.parse();
