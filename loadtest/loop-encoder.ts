/** Renders and encodes a media loop: the demo scene's picture and sound, VP8 and Opus. */
import { type Canvas, createCanvas } from '@napi-rs/canvas';
import { payloadsOf } from '../publisher/rtp-payloads.ts';
import { createDemoScene, type DemoScene } from '../shared/demo-scene/scene.ts';
import { encodeRuns } from '../shared/rle.ts';
import { OpusEncoder, Vp8Encoder } from './av-encoder.ts';
import { type MediaLoop, type Onset, OPUS_PACKET_MS, OPUS_PACKET_SAMPLES, type Progress } from './media-loop.ts';
import type { Profile } from './profile.ts';

const SEED = 12;
const SAMPLE_RATE_HZ = 48_000;
/** Frames between key frames, s: a picture that was lost is whole again this soon, and no encoder runs. */
const KEY_INTERVAL_S = 0.5;
/** Size of the true masks, that of the model's. */
const TRUTH_PX = 192;
/** Encoded and thrown away, so that the loop's start follows on its end. */
const AUDIO_LEAD_MS = 400;
/** What sounded this long before an onset must not sound after it, ms: its mask would pass for a quick answer. */
const BEFORE_ONSET_MS = 250;
/** Peak to peak; some 45 dB below full scale. */
const FAINT = 0.02;

export function encodeLoop(profile: Profile, progress: Progress): MediaLoop {
  const { width, height, frameRateHz, loopMs } = profile;
  const scene = createDemoScene(SEED);
  const count = (loopMs * frameRateHz) / 1000;
  const canvas = createCanvas(width, height);
  const truth = createCanvas(TRUTH_PX, TRUTH_PX);
  const encoder = new Vp8Encoder({ ...profile, keyInterval: Math.round(KEY_INTERVAL_S * frameRateHz) });
  const video: Uint8Array[][] = [];
  const keyFrames: number[] = [];
  const runs: (readonly number[] | undefined)[] = [];
  for (let frame = 0; frame < count; frame++) {
    const timeMs = (frame * 1000) / frameRateHz;
    const context = canvas.getContext('2d');
    scene.draw(context, width, height, timeMs);
    const { data, isKey } = encoder.encode(context.getImageData(0, 0, width, height).data);
    if (isKey) keyFrames.push(frame);
    video.push(payloadsOf({ kind: 'video', data }, 'VP8'));
    runs.push(isHeard(scene, profile, timeMs) ? trueRuns(scene, truth, profile, timeMs) : undefined);
    progress(frame + 1, count);
  }
  encoder.close();
  return {
    profile,
    video,
    keyFrames,
    audio: encodeAudio(scene, profile),
    truth: { width: TRUTH_PX, height: TRUTH_PX, runs },
    onsets: onsetsOf(scene, profile),
  };
}

/** Whether what the scene plays at this time is let through. */
function plays(scene: DemoScene, { sound }: Profile, timeMs: number): boolean {
  return sound !== 'seldom' || scene.turnAt(timeMs)?.startMs === firstTurnMs(scene);
}

function firstTurnMs(scene: DemoScene): number {
  for (let timeMs = 0; ; timeMs += 10) {
    const turn = scene.turnAt(timeMs);
    if (turn !== null) return turn.startMs;
  }
}

function isHeard(scene: DemoScene, profile: Profile, timeMs: number): boolean {
  return plays(scene, profile, timeMs) && scene.truth(timeMs).sounding.length > 0;
}

/** Drawn in the frame's own proportions, then squeezed as a mask is. */
function trueRuns(scene: DemoScene, canvas: Canvas, { width, height }: Profile, timeMs: number): number[] {
  const context = canvas.getContext('2d');
  context.setTransform(TRUTH_PX / width, 0, 0, TRUTH_PX / height, 0, 0);
  scene.drawMask(context, width, height, timeMs);
  const { data } = context.getImageData(0, 0, TRUTH_PX, TRUTH_PX);
  const mask = Uint8Array.from({ length: TRUTH_PX * TRUTH_PX }, (_, i) => (data[4 * i]! >= 128 ? 1 : 0));
  return encodeRuns(mask, TRUTH_PX, TRUTH_PX);
}

function onsetsOf(scene: DemoScene, profile: Profile): Onset[] {
  const onsets: Onset[] = [];
  for (let timeMs = 0; timeMs < profile.loopMs; ) {
    const turn = scene.turnAt(timeMs);
    timeMs = turn?.endMs ?? timeMs + 1;
    if (turn === null || !isHeard(scene, profile, turn.startMs)) continue;
    const { sounding } = scene.truth(turn.startMs);
    const before = [BEFORE_ONSET_MS, 1].flatMap((ms) => scene.truth(Math.max(0, turn.startMs - ms)).sounding);
    if (before.some((id) => sounding.includes(id))) continue;
    onsets.push({ startMs: turn.startMs, endMs: Math.min(turn.endMs, profile.loopMs) });
  }
  return onsets;
}

function encodeAudio(scene: DemoScene, profile: Profile): Uint8Array[] {
  const encoder = new OpusEncoder();
  const count = profile.loopMs / OPUS_PACKET_MS;
  const lead = AUDIO_LEAD_MS / OPUS_PACKET_MS;
  const samples = new Float32Array(OPUS_PACKET_SAMPLES);
  const packets = Array.from({ length: lead + count }, (_, index) => {
    const packet = (index - lead + count) % count;
    scene.synthesise(samples, packet * OPUS_PACKET_SAMPLES, SAMPLE_RATE_HZ);
    for (let i = 0; i < samples.length; i++) {
      const timeMs = packet * OPUS_PACKET_MS + (1000 * i) / SAMPLE_RATE_HZ;
      if (profile.sound === 'seldom' && !plays(scene, profile, timeMs)) samples[i] = 0;
      if (profile.sound === 'always') samples[i]! += FAINT * (((i * 7919) % 251) / 251 - 0.5);
    }
    return encoder.encode(samples);
  });
  encoder.close();
  return packets.slice(lead);
}
