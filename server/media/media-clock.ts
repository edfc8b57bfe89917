/** Capture times of received media: RTP timestamps of all tracks on one timebase, the sender's wall clock. */
import { SerialUnwrapper } from '../../shared/clock.ts';
import { ClockFit, type ClockLine, readClock } from './clock-fit.ts';
import type { EncodedChunk, SenderReport } from './encoded-chunk.ts';

/** What a capture time rests on, best first: RFC 3550 §6.4.1, the abs-capture-time header extension, time of arrival. */
export type TimeSource = 'sender-report' | 'abs-capture-time' | 'arrival';

export type TrackKind = 'audio' | 'video';

/** Fastest change of a clock once it runs, ms per s: no ear hears 5 %, and the tens of ms between two sources pass within a second. */
const SLEW_MS_PER_S = 50;
/** A shift beyond this is another clock, not a better reading: taken at once, by all tracks together; ms. */
const REANCHOR_MS = 500;
/** A track's first moments, in which nothing was shown yet and each better reading is taken at once; ms. */
const SETTLE_MS = 500;
/** The earliest arrival is forgotten at this rate, to follow clocks that drift apart; ms per s. */
const ARRIVAL_LEAK_MS_PER_S = 1;
/** Media cannot arrive this long before its time: its RTP timestamps were restarted; ms. */
const MAX_EARLY_MS = 3_000;
/** Nor can live media be this late; ms. */
const MAX_LATE_MS = 10_000;

/**
 * The clocks of one peer's tracks, kept comparable: a track without a reading of the sender's clock is placed relative to the
 * other one by arrival, so audio and video are never paired across two different kinds of clock.
 */
export class MediaClocks {
  readonly #clocks = new Map<TrackKind, MediaClock>();
  /** From the clock that stamps arrivals to the wall clock shown, ms; on the sender's clock less the shortest transit. */
  #wallMinusArrivalMs: number;
  #onSenderClock = false;

  /** @param timeOriginMs Unix time at zero of the clock that stamps arrivals, ms. */
  constructor(timeOriginMs: number = performance.timeOrigin) {
    this.#wallMinusArrivalMs = timeOriginMs;
  }

  /** Starts the clock of a new track, in place of the one of its kind before. */
  begin(kind: TrackKind, clockRateHz: number): MediaClock {
    const clock = new MediaClock(clockRateHz, () => this.#settle());
    this.#clocks.set(kind, clock);
    return clock;
  }

  /** The weakest source among the tracks that run; undefined before the first chunk. */
  get source(): TimeSource | undefined {
    const sources = this.#running().map((clock) => clock.source);
    return (['arrival', 'abs-capture-time', 'sender-report'] as const).find((source) => sources.includes(source));
  }

  /** True when capture times are on the sender's wall clock rather than on this machine's. */
  get onSenderClock(): boolean {
    return this.#onSenderClock;
  }

  #running(): MediaClock[] {
    return [...this.#clocks.values()].filter((clock) => clock.running);
  }

  /** Gives every clock its best line, and decides how the change is made. */
  #settle(): void {
    const clocks = this.#running();
    for (const { senderLine, arrivalLine, newestMs } of clocks) {
      if (senderLine === undefined) continue;
      this.#wallMinusArrivalMs = readClock(senderLine, newestMs) - readClock(arrivalLine, newestMs);
      this.#onSenderClock = true;
    }
    for (const clock of clocks) {
      const { senderLine, arrivalLine } = clock;
      clock.follow(senderLine ?? { ...arrivalLine, offsetMs: arrivalLine.offsetMs + this.#wallMinusArrivalMs });
    }
    // The change that all tracks share is no change of their relation: it need not take time.
    const sharedMs = clocks
      .map((clock) => clock.residualMs)
      .reduce((a, b) => (Math.abs(a) < Math.abs(b) ? a : b), Infinity);
    if (Number.isFinite(sharedMs) && Math.abs(sharedMs) > REANCHOR_MS) for (const clock of clocks) clock.jump(sharedMs);
    for (const clock of clocks) if (Math.abs(clock.residualMs) > REANCHOR_MS) clock.jump(clock.residualMs);
  }
}

/** One track's RTP timestamps, unwrapped, and their capture times. Made by `MediaClocks.begin`. */
export class MediaClock {
  readonly clockRateHz: number;
  readonly #settle: () => void;
  readonly #senderReports = new ClockFit();
  readonly #captureTimes = new ClockFit();
  #unwrapper = new SerialUnwrapper(32);
  /** Ticks added to the unwrapped timestamps, so that restarted ones go on where the old ones were. */
  #shift = 0;
  #newest = 0;
  #firstArrivalMs: number | undefined;
  #newestArrivalMs = 0;
  /** Earliest arrival: minimum of arrival - media time, ms. */
  #transitMs = 0;
  #line: ClockLine = { referenceMs: 0, offsetMs: 0, drift: 0 };
  #residualMs = 0;

  constructor(clockRateHz: number, settle: () => void) {
    this.clockRateHz = clockRateHz;
    this.#settle = settle;
  }

  /** True once a chunk was seen; before, times mean nothing. */
  get running(): boolean {
    return this.#firstArrivalMs !== undefined;
  }

  get source(): TimeSource {
    if (this.#senderReports.line !== undefined) return 'sender-report';
    return this.#captureTimes.line !== undefined ? 'abs-capture-time' : 'arrival';
  }

  /** Takes note of a chunk; call for each, in the order of arrival, before asking for its time. */
  observe(chunk: Pick<EncodedChunk, 'rtpTimestamp' | 'arrivalMs' | 'absCaptureTimeMs'>): void {
    const { arrivalMs } = chunk;
    let time = this.unwrap(chunk.rtpTimestamp);
    if (this.#firstArrivalMs === undefined) {
      this.#firstArrivalMs = arrivalMs;
      this.#transitMs = arrivalMs - this.#toMs(time);
    } else if (!this.#plausible(time, arrivalMs)) {
      time = this.#restart(chunk.rtpTimestamp, arrivalMs);
    } else {
      const sinceMs = Math.max(0, arrivalMs - this.#newestArrivalMs);
      const leaked = this.#transitMs + (sinceMs / 1000) * ARRIVAL_LEAK_MS_PER_S;
      this.#transitMs = Math.min(leaked, arrivalMs - this.#toMs(time));
      this.#slew(sinceMs);
    }
    this.#newest = Math.max(this.#newest, time);
    this.#newestArrivalMs = Math.max(this.#newestArrivalMs, arrivalMs);
    if (chunk.absCaptureTimeMs !== undefined) this.#captureTimes.add(this.#toMs(time), chunk.absCaptureTimeMs);
    this.#settle();
    if (arrivalMs - this.#firstArrivalMs < SETTLE_MS) this.#residualMs = 0;
  }

  /** Reports that do not fit the track's timestamps, or whose sender has no wall clock (NTP 0), are ignored. */
  senderReport(report: SenderReport): void {
    const time = this.unwrap(report.rtpTimestamp);
    if (!this.running || report.ntpMs <= 0 || !this.#plausible(time, report.arrivalMs)) return;
    this.#senderReports.add(this.#toMs(time), report.ntpMs);
    this.#settle();
  }

  /**
   * @param rtpTimestamp 32 bits, within half the range of the newest observed.
   * @returns RTP time in whole ticks that neither wraps nor starts anew.
   */
  unwrap(rtpTimestamp: number): number {
    return this.#unwrapper.unwrap(rtpTimestamp) + this.#shift;
  }

  /**
   * @param time RTP time as of `unwrap`, ticks.
   * @returns capture time, ms since the Unix epoch.
   */
  captureTimeMs(time: number): number {
    return readClock(this.#line, this.#toMs(time)) + this.#residualMs;
  }

  /**
   * Inverse of `captureTimeMs`.
   * @returns RTP time in ticks, fractional.
   */
  timeAt(captureTimeMs: number): number {
    const { referenceMs, offsetMs, drift } = this.#line;
    const mediaMs = (captureTimeMs - this.#residualMs - offsetMs + drift * referenceMs) / (1 + drift);
    return (mediaMs * this.clockRateHz) / 1000;
  }

  /** Media time of the newest chunk, ms. */
  get newestMs(): number {
    return this.#toMs(this.#newest);
  }

  /** Media time to the sender's wall clock; undefined until the sender told. */
  get senderLine(): ClockLine | undefined {
    return this.#senderReports.line ?? this.#captureTimes.line;
  }

  /** Media time to the clock that stamps arrivals, at the earliest arrival. */
  get arrivalLine(): ClockLine {
    return { referenceMs: 0, offsetMs: this.#transitMs, drift: 0 };
  }

  /** What is left to slew: shown capture time minus the line's, ms. */
  get residualMs(): number {
    return this.#residualMs;
  }

  /** Changes to another line without moving the newest capture time. */
  follow(line: ClockLine): void {
    const shownMs = this.captureTimeMs(this.#newest);
    this.#line = line;
    this.#residualMs = shownMs - readClock(line, this.newestMs);
  }

  jump(byMs: number): void {
    this.#residualMs -= byMs;
  }

  #toMs(time: number): number {
    return (time * 1000) / this.clockRateHz;
  }

  #plausible(time: number, arrivalMs: number): boolean {
    const lateMs = arrivalMs - this.#toMs(time) - this.#transitMs;
    return lateMs > -MAX_EARLY_MS && lateMs < MAX_LATE_MS;
  }

  #slew(elapsedMs: number): void {
    const mostMs = (elapsedMs / 1000) * SLEW_MS_PER_S;
    this.#residualMs -= Math.max(-mostMs, Math.min(mostMs, this.#residualMs));
  }

  /** The sender's timestamps began anew: goes on from the newest time by the time that passed. */
  #restart(rtpTimestamp: number, arrivalMs: number): number {
    const passedMs = Math.max(0, arrivalMs - this.#newestArrivalMs);
    const time = this.#newest + Math.round((passedMs * this.clockRateHz) / 1000);
    this.#unwrapper = new SerialUnwrapper(32);
    this.#shift = time - this.#unwrapper.unwrap(rtpTimestamp);
    this.#senderReports.clear();
    this.#captureTimes.clear();
    this.#transitMs = arrivalMs - this.#toMs(time);
    return time;
  }
}
