import type { EncodedChunk, SenderReport } from '../../server/media/encoded-chunk.ts';
import type { PeerChannel, PeerListener, PeerState, RemoteTrack } from '../../server/peer/peer.ts';
import type { Candidate } from '../../shared/signalling.ts';

/** What one track delivered. */
export interface TrackRecord {
  readonly track: RemoteTrack;
  readonly chunks: EncodedChunk[];
  readonly reports: SenderReport[];
  ended: number;
}

/** PeerListener that keeps everything, and says when it has what a test waits for. */
export class PeerRecorder implements PeerListener {
  readonly states: PeerState[] = [];
  readonly candidates: (Candidate | null)[] = [];
  readonly channels: PeerChannel[] = [];
  readonly tracks: TrackRecord[] = [];
  #waiting: { readonly isMet: () => boolean; readonly resolve: () => void }[] = [];

  state(state: PeerState): void {
    this.states.push(state);
    this.#check();
  }

  candidate(candidate: Candidate | null): void {
    this.candidates.push(candidate);
    this.#check();
  }

  channel(channel: PeerChannel): void {
    this.channels.push(channel);
    this.#check();
  }

  track(track: RemoteTrack): void {
    const record: TrackRecord = { track, chunks: [], reports: [], ended: 0 };
    this.tracks.push(record);
    track.listen({
      chunk: (chunk) => {
        record.chunks.push(chunk);
        this.#check();
      },
      senderReport: (report) => {
        record.reports.push(report);
        this.#check();
      },
      ended: () => {
        record.ended++;
        this.#check();
      },
    });
    this.#check();
  }

  /** The newest track of this kind. */
  of(kind: 'audio' | 'video'): TrackRecord {
    return this.tracks.findLast(({ track }) => track.kind === kind)!;
  }

  /** Resolves at the first event after which `isMet`. */
  async until(isMet: () => boolean): Promise<void> {
    if (isMet()) return;
    await new Promise<void>((resolve) => this.#waiting.push({ isMet, resolve }));
  }

  #check(): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ isMet }) => !isMet());
    for (const waiter of waiting) if (!this.#waiting.includes(waiter)) waiter.resolve();
  }
}
