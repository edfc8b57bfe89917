/** The whole flow of one session: tracks in, masks out, one way through. */
import { filter, Subject, type Subscription } from 'rxjs';
import type { SessionStats } from '../../shared/signalling.ts';
import type { Segmenter } from '../inference/segmenter.ts';
import type { DecoderFactory } from '../media/decoder.ts';
import { MediaClocks } from '../media/media-clock.ts';
import type { ByteChannel } from '../output/mask-channel.ts';
import type { RemoteTrack } from '../peer/peer.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { decodeVideo } from './decode-video.ts';
import type { EncodedMask } from './flow.ts';
import { hear } from './hear.ts';
import { MaskRate } from './mask-rate.ts';
import type { MeanTurnaround } from './mean-turnaround.ts';
import { send } from './send.ts';
import { timelineOf, toMasks } from './to-masks.ts';

export interface MaskPipelineOptions {
  readonly sessionId: string;
  /** Masks a second aimed at. */
  readonly maskRateHz: number;
  readonly decoders: DecoderFactory;
  readonly segmenter: Segmenter;
  /** Shared by the sessions that share the segmenter. */
  readonly turnarounds: MeanTurnaround;
  /** The mask channel at the moment, undefined until the client has opened one. */
  readonly channel: () => ByteChannel | undefined;
  /** Whether anybody follows the session. */
  readonly followed: () => boolean;
  /** Hands a mask to whoever follows the session; false when nobody does. */
  readonly publish: (mask: EncodedMask) => boolean;
  readonly telemetry: Telemetry;
  /** The flow broke; it has ended. */
  readonly failed: (error: unknown) => void;
}

export class MaskPipeline {
  readonly #tracks$ = new Subject<RemoteTrack>();
  readonly #clocks = new MediaClocks();
  readonly #rate: MaskRate;
  readonly #subscription: Subscription;
  #frameSize = { frameWidth: 0, frameHeight: 0 };

  constructor(options: MaskPipelineOptions) {
    const { sessionId, maskRateHz, decoders, segmenter, turnarounds, channel, followed, publish, telemetry, failed } =
      options;
    const clocks = this.#clocks;
    const rate = new MaskRate(maskRateHz, turnarounds);
    this.#rate = rate;
    const timeline = timelineOf(segmenter.manifest);

    const heard$ = this.#tracks$.pipe(
      filter(({ kind }) => kind === 'audio'),
      hear(decoders, clocks, timeline, telemetry),
    );
    const masks$ = this.#tracks$.pipe(
      filter(({ kind }) => kind === 'video'),
      decodeVideo(decoders, clocks, telemetry),
      toMasks({
        sessionId,
        segmenter,
        turns: rate,
        wanted: () => channel()?.open === true || followed(),
        timeline,
        heard$,
        onSenderClock: () => clocks.onSenderClock,
        telemetry,
      }),
      send(channel, publish, telemetry),
    );
    this.#subscription = masks$.subscribe({
      next: ({ message: { frameWidth, frameHeight } }) => {
        this.#frameSize = { frameWidth, frameHeight };
      },
      error: failed,
    });
  }

  /** Takes the place of the track of its kind before it. */
  addTrack(track: RemoteTrack): void {
    this.#tracks$.next(track);
  }

  state(): Pick<SessionStats, 'targetMaskRateHz' | 'clockSource' | 'frameWidth' | 'frameHeight'> {
    return { targetMaskRateHz: this.#rate.hz, clockSource: this.#clocks.source ?? 'arrival', ...this.#frameSize };
  }

  /** Ends the flow, closes decoders, returns every lease. Idempotent. */
  close(): void {
    this.#subscription.unsubscribe();
  }
}
