/**
 * The mask message: one data-channel message a mask, big-endian, version 1. Byte layout in docs/wire.md.
 * Runs are those of rle.ts, each an unsigned LEB128 integer.
 */
import { AvsacError } from './errors.ts';
import { decodeRuns } from './rle.ts';

/** Upper bound of one message: the largest size every WebRTC stack sends unfragmented (RFC 8831 §6.6). */
export const MAX_MASK_MESSAGE_BYTES = 16 * 1024;

export const MASK_WIRE_VERSION = 1;
const MAGIC = 0x4156;
const FLAG_GATED = 1;
const FLAG_REDUCED = 2;
const FLAG_CAPTURE_TIME = 4;

/** Stages a frame passes between its last RTP packet and its mask, in order; each has a duration on the wire. */
export const MASK_STAGES = ['decode', 'pair', 'queue', 'inference', 'encode'] as const;
export type MaskStage = (typeof MASK_STAGES)[number];

/** Stage durations and the skew are tenths of a millisecond on the wire, saturating. */
const TENTHS = 10;
const HEADER_BYTES = 30 + 2 * MASK_STAGES.length + 2;
const CLASS_HEADER_BYTES = 6;

export interface ClassMask {
  /** Index into the model's class list. */
  readonly classIndex: number;
  /** COCO-order run lengths over `width * height` pixels. */
  readonly runs: readonly number[];
}

export interface MaskMessage {
  /** Counts the session's masks, wraps at 2^32. */
  readonly sequence: number;
  /** RTP timestamp of the very frame the mask was computed from, 90 kHz, 32 bits. */
  readonly rtpTimestamp: number;
  /** Capture time of that frame on the publisher's clock, ms since the Unix epoch; undefined until known. */
  readonly captureTimeMs: number | undefined;
  /** Size of the mask, pixels, 1..65535; it covers the whole frame whatever the aspect ratio. */
  readonly width: number;
  readonly height: number;
  /** Size of the frame as decoded, pixels. */
  readonly frameWidth: number;
  readonly frameHeight: number;
  /** End of the audio patch minus the frame's capture time, ms, ±3276.7. */
  readonly skewMs: number;
  /** True when the silence gate answered without running the model. */
  readonly gated: boolean;
  /** True when the mask was halved in size until it fitted its message. */
  readonly reduced: boolean;
  /** Duration of each stage, ms, 0..6553.5. */
  readonly stagesMs: Readonly<Record<MaskStage, number>>;
  /** Classes with at least one pixel lit. */
  readonly classes: readonly ClassMask[];
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/** Bytes that {@link encodeMask} will need for `classes`. */
export function maskMessageBytes(classes: readonly ClassMask[]): number {
  let bytes = HEADER_BYTES;
  for (const { runs } of classes) {
    bytes += CLASS_HEADER_BYTES;
    for (const run of runs) bytes += varintBytes(run);
  }
  return bytes;
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, Math.round(value)));

/** @returns the message in a buffer of exactly {@link maskMessageBytes} bytes. */
export function encodeMask(message: MaskMessage): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(maskMessageBytes(message.classes));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, MAGIC);
  view.setUint8(2, MASK_WIRE_VERSION);
  view.setUint8(
    3,
    (message.gated ? FLAG_GATED : 0) |
      (message.reduced ? FLAG_REDUCED : 0) |
      (message.captureTimeMs === undefined ? 0 : FLAG_CAPTURE_TIME),
  );
  view.setUint32(4, message.sequence);
  view.setUint32(8, message.rtpTimestamp);
  view.setFloat64(12, message.captureTimeMs ?? 0);
  view.setUint16(20, message.width);
  view.setUint16(22, message.height);
  view.setUint16(24, message.frameWidth);
  view.setUint16(26, message.frameHeight);
  view.setInt16(28, clamp(message.skewMs * TENTHS, -0x8000, 0x7fff));
  let offset = 30;
  for (const stage of MASK_STAGES) {
    view.setUint16(offset, clamp(message.stagesMs[stage] * TENTHS, 0, 0xffff));
    offset += 2;
  }
  view.setUint16(offset, message.classes.length);
  offset += 2;
  for (const { classIndex, runs } of message.classes) {
    const start = offset + CLASS_HEADER_BYTES;
    view.setUint16(offset, classIndex);
    let end = start;
    for (const run of runs) {
      let rest = run;
      for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[end++] = (rest % 0x80) | 0x80;
      bytes[end++] = rest;
    }
    view.setUint32(offset + 2, end - start);
    offset = end;
  }
  return bytes;
}

/**
 * @param bytes one whole message.
 * @throws AvsacError `mask-message-invalid` on anything that {@link encodeMask} cannot have written.
 */
export function decodeMask(bytes: Uint8Array): MaskMessage {
  const invalid = (detail: string) => new AvsacError('mask-message-invalid', detail);
  if (bytes.length < HEADER_BYTES) throw invalid(`${bytes.length} bytes, the header has ${HEADER_BYTES}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(0) !== MAGIC) throw invalid('wrong magic number');
  if (view.getUint8(2) !== MASK_WIRE_VERSION) {
    throw invalid(`wire version ${view.getUint8(2)}, this decoder reads ${MASK_WIRE_VERSION}`);
  }
  const flags = view.getUint8(3);
  const width = view.getUint16(20);
  const height = view.getUint16(22);
  if (width === 0 || height === 0) throw invalid(`size ${width}x${height}`);
  const stagesMs = Object.fromEntries(
    MASK_STAGES.map((stage, i) => [stage, view.getUint16(30 + 2 * i) / TENTHS]),
  ) as Record<MaskStage, number>;
  const classCount = view.getUint16(HEADER_BYTES - 2);
  const classes: ClassMask[] = [];
  let offset = HEADER_BYTES;
  for (let i = 0; i < classCount; i++) {
    if (offset + CLASS_HEADER_BYTES > bytes.length) throw invalid(`class ${i} is cut off`);
    const classIndex = view.getUint16(offset);
    const end = offset + CLASS_HEADER_BYTES + view.getUint32(offset + 2);
    if (end > bytes.length) throw invalid(`runs of class ${i} are cut off`);
    classes.push({
      classIndex,
      runs: decodeVarints(bytes.subarray(offset + CLASS_HEADER_BYTES, end), width * height),
    });
    offset = end;
  }
  if (offset !== bytes.length) throw invalid(`${bytes.length - offset} bytes after the last class`);
  return {
    sequence: view.getUint32(4),
    rtpTimestamp: view.getUint32(8),
    captureTimeMs: flags & FLAG_CAPTURE_TIME ? view.getFloat64(12) : undefined,
    width,
    height,
    frameWidth: view.getUint16(24),
    frameHeight: view.getUint16(26),
    skewMs: view.getInt16(28) / TENTHS,
    gated: (flags & FLAG_GATED) !== 0,
    reduced: (flags & FLAG_REDUCED) !== 0,
    stagesMs,
    classes,
  };
}

/** Run lengths that sum to exactly `total`; anything else is not a mask. */
function decodeVarints(bytes: Uint8Array, total: number): number[] {
  const runs: number[] = [];
  let sum = 0;
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte & 0x7f) * scale;
    if (value > total) throw new AvsacError('mask-message-invalid', `a run of ${value} pixels in a mask of ${total}`);
    if (byte & 0x80) {
      scale *= 0x80;
      if (scale > 2 ** 35) throw new AvsacError('mask-message-invalid', 'a run length does not end');
      continue;
    }
    sum += value;
    runs.push(value);
    value = 0;
    scale = 1;
  }
  if (scale !== 1) throw new AvsacError('mask-message-invalid', 'the last run length is cut off');
  if (sum !== total) throw new AvsacError('mask-message-invalid', `runs cover ${sum} of ${total} pixels`);
  return runs;
}

/**
 * Paints one class of a decoded message.
 * @param mask row-major [height, width] of the message's size, overwritten with 0 and 1.
 */
export function paintClassMask(message: MaskMessage, classMask: ClassMask, mask: Uint8Array): void {
  decodeRuns(classMask.runs, message.width, message.height, mask);
}
