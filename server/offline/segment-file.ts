/** A file's masks: through the same pipeline as a live session's, with no network, as fast as the machine allows. */
import { availableParallelism } from 'node:os';
import { AvsacError } from '../../shared/errors.ts';
import { fileMask } from '../../shared/results.ts';
import type { Config } from '../config.ts';
import { readModel } from '../inference/manifest.ts';
import { startOrtSegmenter } from '../inference/ort-segmenter.ts';
import type { Segmenter } from '../inference/segmenter.ts';
import type { MediaFile } from '../media/media-file.ts';
import { resultOf } from '../output/result-line.ts';
import { FilePipeline } from '../pipeline/file-pipeline.ts';
import type { FileProgress } from './file-command.ts';

/**
 * One run of the model at a time has every core.
 * @throws AvsacError `model-*`, `provider-unavailable`, `file-unreadable`, `inference-failed`
 */
export async function* segmentFile(
  file: MediaFile,
  config: Pick<Config, 'model' | 'providers' | 'maskRateHz'>,
): AsyncGenerator<FileProgress> {
  let cause: Error | undefined;
  const note = (error: Error) => {
    cause = error;
  };
  const segmenter = await startOrtSegmenter({
    model: await readModel(config.model),
    executionProviders: config.providers,
    inferenceWorkers: 1,
    intraOpThreads: availableParallelism(),
    observer: {
      batch: () => {},
      dropped: () => {},
      failed: (_requests, error) => note(error),
      queueDepth: () => {},
      threadCrashed: note,
    },
  });
  try {
    yield* segment(file, config.maskRateHz, segmenter, () => cause);
  } finally {
    await segmenter.close();
  }
}

/**
 * @param cause why the model failed, once it has.
 * @throws AvsacError `file-unreadable`, `inference-failed`
 */
export async function* segment(
  file: MediaFile,
  maskRateHz: number,
  segmenter: Segmenter,
  cause: () => Error | undefined = () => undefined,
): AsyncGenerator<FileProgress> {
  const pipeline = new FilePipeline(
    segmenter,
    maskRateHz,
    (reason) => new AvsacError('inference-failed', cause()?.message ?? reason, { cause: cause() }),
  );
  const sound = file.sound();
  try {
    for (const picture of file.pictures()) {
      const { presentationTimeMs } = picture;
      while (!pipeline.hasHeard(presentationTimeMs)) {
        const { done, value } = sound.next();
        if (done) break;
        pipeline.hear(value);
      }
      const mask = await pipeline.segment(picture);
      yield {
        presentationTimeMs,
        mask: mask && fileMask(resultOf(mask, segmenter.manifest.classes), presentationTimeMs),
      };
    }
  } finally {
    sound.return(undefined);
  }
}
