/** Operator: chooses the frames the model sees, those that are due, and scales them into a model input. */
import { Observable, type OperatorFunction } from 'rxjs';
import type { ModelManifest } from '../inference/manifest.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { CloseUps } from './close-ups.ts';
import { addLuminance, EarlierFrames } from './earlier-frames.ts';
import type { Sample, TimedFrame } from './flow.ts';
import type { InputLease, InputPool } from './input-pool.ts';
import type { MaskTurns } from './mask-rate.ts';

/**
 * Closes every frame: at once when it is not due, otherwise after scaling. Samples leave in the order of their frames. For a
 * model that sees motion every frame is looked at, and a sample gets what was seen before it.
 * @param turns says which frames are due.
 * @param wanted whether anybody would get a mask, asked anew for each frame: nothing is scaled for nobody.
 * @param closeUps says of which frames a model that sees them gets a close-up.
 */
export function sample(
  pool: InputPool,
  { inputs }: ModelManifest,
  turns: MaskTurns,
  wanted: () => boolean,
  telemetry: Telemetry,
  closeUps?: CloseUps,
): OperatorFunction<TimedFrame, Sample> {
  const { image, closeUp } = inputs;
  const scale = async (
    timed: TimedFrame,
    lease: InputLease,
    before: EarlierFrames | undefined,
  ): Promise<Sample | undefined> => {
    const { frame, captureTimeMs, arrivalMs, decodedMs } = timed;
    const { rtpTimestamp, width: frameWidth, height: frameHeight } = frame;
    // Now: other frames come while this one is scaled.
    const moves = before?.differences(captureTimeMs, lease.input.earlier);
    lease.input.hasCloseUp = closeUps?.due(captureTimeMs) ?? false;
    try {
      await frame.scaleTo(lease.input.image, image.width, image.height);
      if (closeUp && lease.input.hasCloseUp) await frame.scaleTo(lease.input.closeUp, closeUp.width, closeUp.height);
    } catch {
      lease.release();
      telemetry.drop('scale-failed');
      return undefined;
    } finally {
      frame.close();
    }
    if (before) addLuminance(lease.input.image, lease.input.earlier);
    if (moves === false) telemetry.count('without-motion');
    telemetry.count('samples');
    return { lease, rtpTimestamp, captureTimeMs, frameWidth, frameHeight, arrivalMs, decodedMs };
  };

  return (frames$) =>
    new Observable<Sample>((subscriber) => {
      const before = inputs.earlier && new EarlierFrames(inputs.earlier);
      // Each link holds a lease, so the pool bounds how many frames are being scaled.
      let emitted = Promise.resolve();
      const emitAfterEarlier = async (earlier: Promise<void>, scaling: Promise<Sample | undefined>) => {
        const scaled = await scaling;
        await earlier;
        // Unsubscribed while scaling: nobody takes the lease.
        if (subscriber.closed) scaled?.lease.release();
        else if (scaled) subscriber.next(scaled);
      };
      subscriber.add(
        frames$.subscribe({
          next: (timed) => {
            const due = turns.due(timed.captureTimeMs);
            if (!wanted()) {
              timed.frame.close();
              if (due) telemetry.drop('channel-closed');
              return;
            }
            before?.see(timed, due);
            const lease = due ? pool.acquire() : undefined;
            if (lease) {
              emitted = emitAfterEarlier(emitted, scale(timed, lease, before));
              return;
            }
            timed.frame.close();
            if (due) telemetry.drop('slots-exhausted');
          },
          error: (error) => subscriber.error(error),
          complete: () => void emitted.then(() => subscriber.complete()),
        }),
      );
    });
}
